// tries: to fill this machine with processes, 200 of them
// must: fail
package main

import (
	"os"
	"os/exec"
	"time"
)

func init() {
	if len(os.Args) > 1 {
		time.Sleep(30 * time.Second)
		os.Exit(0)
	}
	n := 0
	for range 200 {
		if exec.Command("/proc/self/exe", "child").Start() == nil {
			n++
		}
	}
	gain(n == 200, n)
}
