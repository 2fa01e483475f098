package fix

import "syscall"

const rssUnit = 1 << 10 // bytes of Rusage.Maxrss

// attributes: a group of its own, and an end when the harness dies.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
