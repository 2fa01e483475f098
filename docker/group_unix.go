//go:build unix

package docker

import (
	"os"
	"os/exec"
	"syscall"
)

// endGroup makes the end of cmd's context end what cmd has started too, gently:
// a recipe then removes its working folder.
func endGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}

// share locks file for us and for all that cmd will start.
func share(cmd *exec.Cmd, file *os.File) error {
	cmd.ExtraFiles = []*os.File{file}
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
}
