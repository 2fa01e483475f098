package rig

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
)

// Labels of everything that the rig makes on the engine. Whose it is can be
// told from them after its process, the engine or the machine has gone.
const (
	labelRun    = "faultlab.run"
	labelLab    = "faultlab.lab"
	labelServer = "faultlab.server"
	labelHost   = "faultlab.host"
	labelSpace  = "faultlab.pids" // what the process number means something in
	labelBoot   = "faultlab.boot"
	labelPID    = "faultlab.pid"
	labelBegan  = "faultlab.began" // when that process was started, as its system counts
	labelKeep   = "faultlab.keep"  // outlives its process
)

func (r *Rig) labels(server string) map[string]string {
	l := owner()
	l[labelRun], l[labelLab] = r.env.ID, r.env.Lab
	if server != "" {
		l[labelServer] = server
	}
	if r.keep {
		l[labelKeep] = "true"
	}
	return l
}

// owner is this process, in labels.
func owner() map[string]string {
	host, _ := os.Hostname()
	began, _ := processStart(os.Getpid())
	return map[string]string{
		labelHost: host, labelBoot: bootID(), labelSpace: pidSpace(),
		labelPID: strconv.Itoa(os.Getpid()), labelBegan: began,
	}
}

// orphaned says that what carries these labels is this machine's and that the
// process that made it is gone: no such process, another one under its number,
// or the machine was started anew. What can't be known is not orphaned.
func orphaned(labels map[string]string) bool {
	host, _ := os.Hostname()
	if labels[labelRun] == "" || labels[labelHost] != host || labels[labelKeep] != "" {
		return false
	}
	if labels[labelBoot] != bootID() {
		return true
	}
	if labels[labelSpace] != pidSpace() {
		return false
	}
	pid, err := strconv.Atoi(labels[labelPID])
	if err != nil {
		return false
	}
	began, err := processStart(pid)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return began != labels[labelBegan]
}
