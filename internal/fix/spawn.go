package fix

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// spawned is a program as a process group of this machine.
type spawned struct {
	cmd *exec.Cmd
	out io.Writer
	r   *os.File // what it writes

	mu    sync.Mutex
	group group
	ended bool // the group is gone; its id may be another's
}

// spawn starts the program as the harness's own user.
func (p *Program) spawn(o Options, out io.Writer) (*spawned, error) {
	// An own pipe: that of os/exec would be waited for until the last child
	// that inherited it has ended.
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	x := &spawned{cmd: bounded(p.argv, o.Memory, 0), out: out, r: r}
	x.cmd.Dir = p.dir
	x.cmd.Env = environment(o)
	x.cmd.Stdout, x.cmd.Stderr = w, w
	err = x.group.start(x.cmd, o.Memory)
	w.Close()
	if err != nil {
		r.Close()
		return nil, err
	}
	return x, nil
}

// wait reaps the program and everything that it left behind.
func (x *spawned) wait() exit {
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(x.out, x.r) // ends with the last writer, or at the deadline below
	}()
	err := x.cmd.Wait()
	x.mu.Lock()
	x.ended = true
	_ = x.group.signal(syscall.SIGKILL) // children that it left behind
	x.group.close()
	x.mu.Unlock()
	// A child that left the group may hold the pipe for ever.
	_ = x.r.SetReadDeadline(time.Now().Add(time.Second))
	<-copied
	x.r.Close()
	var status *exec.ExitError
	return exit{
		err: err, theirs: errors.As(err, &status),
		signal: endedBy(x.cmd.ProcessState), peak: peak(x.cmd.ProcessState),
	}
}

func (x *spawned) signal(sig syscall.Signal) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended {
		return os.ErrProcessDone
	}
	return x.group.signal(sig)
}

// environment inherits nothing that could make a run differ between machines.
func environment(o Options) []string {
	var env []string
	for _, name := range inherited {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	for name, value := range given(o) {
		env = append(env, name+"="+value)
	}
	return env
}

// given is what a program has in its environment wherever it runs.
func given(o Options) map[string]string {
	env := map[string]string{}
	// Go collects harder near its limit and so stays below the hard one.
	env["GOMEMLIMIT"] = fmt.Sprint(o.Memory * 8 / 10)
	for name, value := range o.Env {
		env[name] = value
	}
	return env
}
