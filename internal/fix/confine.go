package fix

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"faultlab/internal/sandbox"
)

// confined is a program in a container of its own.
type confined struct{ *sandbox.Box }

// addrRE is an address of this machine in what a program is told.
var addrRE = regexp.MustCompile(`\b127\.0\.0\.1:[0-9]+\b`)

// confine starts the program in a container, from where it reaches the addresses
// that its environment or o.Reach names, and nothing else.
func (p *Program) confine(ctx context.Context, o Options, out io.Writer) (running, error) {
	env := given(o)
	env["HOME"], env["TMPDIR"] = "/tmp", "/tmp"
	reach := slices.Clone(o.Reach)
	for name, value := range env {
		if name != listenEnv {
			reach = append(reach, addrRE.FindAllString(value, -1)...)
		}
	}
	slices.Sort(reach)
	box, err := sandbox.Start(ctx, sandbox.Program{
		Run: p.run, Path: p.argv[0], Dir: p.dir, Env: env, Memory: o.Memory,
		Reach: slices.Compact(reach), Output: out,
	})
	if err != nil {
		return nil, err
	}
	return confined{box}, nil
}

func (x confined) signal(sig syscall.Signal) error { return x.Signal(sig) }

func (x confined) wait() exit {
	end := x.Wait()
	switch {
	case end.Err != nil:
		return exit{err: end.Err}
	case end.Status == 0:
		return exit{}
	}
	e := exit{theirs: true, peak: end.Peak, err: fmt.Errorf("exit status %d", end.Status)}
	if end.Status > 128 {
		e.signal = syscall.Signal(end.Status - 128)
		e.err = fmt.Errorf("signal: %s", strings.ToLower(e.signal.String()))
	}
	if end.OutOfMemory {
		e.err = errors.New("no memory left")
	}
	return e
}
