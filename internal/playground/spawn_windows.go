package playground

import "syscall"

const detachedProcess = 0x00000008 // DETACHED_PROCESS: no console

// detached has no console: its end and its Ctrl-C don't reach it.
func detached() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP | detachedProcess, HideWindow: true}
}
