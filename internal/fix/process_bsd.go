//go:build unix && !linux

package fix

import "syscall"

// attributes: a group of its own. These systems can't tie its life to the harness's.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
