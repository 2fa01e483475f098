package fix

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"sync"
	"syscall"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/quote"
)

// Options of a start.
type Options struct {
	Env    map[string]string // LAB_… variables; nothing else is inherited but PATH, HOME and TMPDIR
	Log    string            // file that its output goes to, cut at 1 MiB; empty: none
	Memory int64             // bytes that each of its processes may allocate; 0: 1 GiB
	Reach  []string          // addresses of servers that it is told of later; those in Env are known
}

// Process is a running program, in a process group or in a container of its own.
// It ends with the context that it was started in, whatever it has left behind
// ends with it, and it does not outlive the harness.
type Process struct {
	running
	out   *output
	limit int64 // bytes of memory
	done  chan struct{}

	mu   sync.Mutex
	sent map[syscall.Signal]bool
	cut  bool // ended because its context did
	err  error
}

// running is what a program runs in: a group of processes of this machine, or a
// container.
type running interface {
	// signal reaches all of its processes; os.ErrProcessDone if there are none.
	signal(sig syscall.Signal) error
	// wait returns when the program has ended, nothing is left of it, and its
	// output is complete.
	wait() exit
}

// exit is how a program ended.
type exit struct {
	err    error // nil: with status 0
	theirs bool  // the program's doing
	signal syscall.Signal
	peak   int64 // bytes of memory that it has held at once; 0: not known
}

// Start runs the program until it ends or ctx does.
func (p *Program) Start(ctx context.Context, o Options) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start program: %w", context.Cause(ctx))
	}
	if o.Memory == 0 {
		o.Memory = 1 << 30
	}
	out, err := newOutput(o.Log)
	if err != nil {
		return nil, fmt.Errorf("start program: %w", err)
	}
	x := &Process{out: out, limit: o.Memory, done: make(chan struct{}), sent: map[syscall.Signal]bool{}}
	if p.run != "" {
		x.running, err = p.confine(ctx, o, out)
	} else {
		x.running, err = p.spawn(o, out)
	}
	if err != nil {
		out.Close()
		return nil, fmt.Errorf("start program: %w", err)
	}
	stop := context.AfterFunc(ctx, x.cutOff)
	go func() {
		defer close(x.done)
		end := x.wait()
		stop()
		x.out.Close()
		x.mu.Lock()
		defer x.mu.Unlock()
		x.err = x.verdict(ctx, end)
	}()
	return x, nil
}

// verdict is what the way in which it ended means.
func (p *Process) verdict(ctx context.Context, end exit) error {
	switch {
	case end.err == nil:
		return nil
	case p.cut:
		return fmt.Errorf("the program was ended: %w%s", context.Cause(ctx), p.lastWords())
	case p.sent[end.signal]:
		return nil
	case end.theirs:
		return lab.Blame(lab.ApplyCheck, fmt.Errorf("the program ended with %w%s%s", end.err, p.usage(end.peak), p.lastWords()))
	default:
		return fmt.Errorf("wait for program: %w", end.err)
	}
}

// usage tells of a program that came near its memory's limit. Go does not always
// say that it died of that: some allocations of its collector end in SIGSEGV.
func (p *Process) usage(used int64) string {
	if used < p.limit*3/4 {
		return ""
	}
	return fmt.Sprintf(", having used %d MiB of the %d MiB of memory that it may", used>>20, p.limit>>20)
}

// crash is how a Go program begins to say that it dies; the goroutines that it
// lists after that would push the reason out of any tail.
var crash = regexp.MustCompile(`(?m)^(panic|fatal error|runtime|SIG[A-Z]+): `)

func (p *Process) lastWords() string {
	const lines = 20
	text := p.out.tail()
	if text == "" {
		return ", without a word"
	}
	if at := crash.FindStringIndex(text); at != nil {
		return "; its last words:\n" + quote.Head(text[at[0]:], lines)
	}
	return "; its last words:\n" + quote.Tail(text, lines)
}

// Signal sends sig to the program and all that it has started.
func (p *Process) Signal(sig syscall.Signal) error {
	p.mu.Lock()
	p.sent[sig] = true
	p.mu.Unlock()
	return p.signal(sig)
}

// Kill ends all of it with SIGKILL and waits for that. Ended so, the
// program has no error.
func (p *Process) Kill() {
	_ = p.Signal(syscall.SIGKILL) // an error says that it has ended
	<-p.done
}

// cutOff ends the program because its context ended.
func (p *Process) cutOff() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = p.signal(syscall.SIGKILL) == nil // else it has ended
}

// Stop asks with SIGTERM and kills after grace. The error says that it had to
// be killed, or how it exited if not with status 0; a program that lets
// SIGTERM end it, as it does by default, has no error.
func (p *Process) Stop(grace time.Duration) error {
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.Kill() // no such signal on this system
		return nil
	}
	select {
	case <-p.done:
		return p.Err()
	case <-time.After(grace):
		p.Kill()
		return lab.Blame(lab.ApplyCheck, fmt.Errorf("the program did not stop within %s of SIGTERM%s", grace, p.lastWords()))
	}
}

// Done is closed when the program has ended by itself or by a signal, and its
// output is complete.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how it ended: a lab.Fault with exit status and last lines of output;
// nil while it runs, after status 0, and after a signal sent through Process.
func (p *Process) Err() error {
	select {
	case <-p.done:
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.err
	default:
		return nil
	}
}

// Ended is nil as long as a program runs that should not end by itself; then it
// is a lab.Fault.
func (p *Process) Ended() error {
	select {
	case <-p.done:
		if err := p.Err(); err != nil {
			return err
		}
		return lab.Blame(lab.ApplyCheck, errors.New("the program ended by itself, without an error"))
	default:
		return nil
	}
}

// Until waits for what the program must bring about, as measure.Until does.
// If it ends before that, or has not done it when ctx ends in time-out, that
// is a lab.Fault with its last words.
func (p *Process) Until(ctx context.Context, what string, fact func(context.Context) (state string, ok bool, err error)) error {
	ended := errors.New("the program ended")
	live, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-p.done:
			cancel(ended)
		case <-live.Done():
		}
	}()
	err := measure.Until(live, what, fact)
	switch {
	case err == nil, errors.Is(context.Cause(ctx), context.Canceled):
		return err
	case context.Cause(live) == ended && ctx.Err() == nil:
		// What it did last may count: a program may do its work and end.
		if _, ok, ferr := fact(ctx); ferr == nil && ok {
			return nil
		}
		if perr := p.Err(); perr != nil {
			return perr
		}
		return lab.Blame(lab.ApplyCheck, fmt.Errorf("%w%s", err, p.lastWords()))
	default:
		return lab.Blame(lab.ApplyCheck, fmt.Errorf("%w%s", err, p.lastWords()))
	}
}

// Tail is the end of its output, at most n lines, each prefixed so that it
// can't be taken for ours.
func (p *Process) Tail(n int) string { return quote.Tail(p.out.tail(), n) }
