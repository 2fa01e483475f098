// Package owner marks what this process makes on a container engine and in the
// folder for temporary files, so that a later one can tell whose it was after its
// process, the engine or the machine has gone.
package owner

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
)

// The labels.
const (
	Run   = "faultlab.run" // what belongs to a run is removed with it
	Host  = "faultlab.host"
	Space = "faultlab.pids" // what the process number means something in
	Boot  = "faultlab.boot"
	PID   = "faultlab.pid"
	Began = "faultlab.began" // when that process was started, as its system counts
	Keep  = "faultlab.keep"  // outlives its process
)

// Labels is this process, and the run that it makes something for.
func Labels(run string) map[string]string {
	host, _ := os.Hostname()
	began, _ := processStart(os.Getpid())
	return map[string]string{
		Run: run, Host: host, Boot: bootID(), Space: pidSpace(),
		PID: strconv.Itoa(os.Getpid()), Began: began,
	}
}

// Orphaned says that what carries these labels is this machine's and that the
// process that made it is gone: no such process, another one under its number,
// or the machine was started anew. What can't be known is not orphaned.
func Orphaned(labels map[string]string) bool {
	host, _ := os.Hostname()
	if labels[Run] == "" || labels[Host] != host || labels[Keep] != "" {
		return false
	}
	if labels[Boot] != bootID() {
		return true
	}
	if labels[Space] != pidSpace() {
		return false
	}
	pid, err := strconv.Atoi(labels[PID])
	if err != nil {
		return false
	}
	began, err := processStart(pid)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return began != labels[Began]
}
