//go:build unix && !linux

package fix

import (
	"runtime"
	"syscall"
)

// rssUnit is in bytes what Rusage.Maxrss counts; macOS counts bytes.
var rssUnit = map[bool]int64{true: 1, false: 1 << 10}[runtime.GOOS == "darwin"]

// attributes: a group of its own. These systems can't tie its life to the harness's.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
