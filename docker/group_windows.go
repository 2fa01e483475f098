package docker

import "os/exec"

// endGroup has nothing to do where no recipe can run.
func endGroup(*exec.Cmd) {}
