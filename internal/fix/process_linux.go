package fix

import "syscall"

// attributes: a group of its own, and an end when the harness dies.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
