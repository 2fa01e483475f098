//go:build unix

package playground

import "syscall"

// detached is a session of its own: the terminal's end and its Ctrl-C don't
// reach it.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
