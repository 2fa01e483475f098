package docker

import (
	"os"
	"os/exec"
)

// endGroup has nothing to do where no recipe can run.
func endGroup(*exec.Cmd) {}

func share(*exec.Cmd, *os.File) error { return nil }
