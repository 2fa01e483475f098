// Package fix reads a variant's folder and runs what is in it: statements one
// by one, or a program as a process of its own.
package fix

import (
	"context"
	"syscall"
	"time"

	"faultlab/internal/lab"
)

// Read reads the variant called name ("start", "also/x") of the lab in dir and
// says in one sentence which file is missing, empty or unknown.
func Read(dir, name string, kind lab.Kind) (lab.Variant, error) { return lab.Variant{}, nil }

// List names the variants in a lab's folder, in the order start, solution,
// also/*, wrong/*; fix is not among them.
func List(dir string) ([]string, error) { return nil, nil }

// Fails returns the check ids that a wrong variant says it must fail on: the
// words after "fails:" in the first comment line of its first file.
func Fails(v lab.Variant) ([]string, error) { return nil, nil }

// Statement is one statement of a script.
type Statement struct {
	Text string
	Line int // 1-based line of its first word
}

// Statements splits SQL at ";" outside of quotes and comments, with the mysql
// client's DELIMITER honoured. Statements of comments only are left out.
func Statements(sql string) []Statement { return nil }

// Program is a built program.
type Program struct{}

// Build compiles the variant's main package into scratch. A compile error is
// a lab.Fault with the compiler's own words.
func Build(ctx context.Context, v lab.Variant, scratch string) (*Program, error) { return nil, nil }

// Process is a running program, in a process group of its own.
type Process struct{}

// Options of a start.
type Options struct {
	Env    map[string]string // LAB_… variables; nothing else is inherited but PATH, HOME and TMPDIR
	Log    string            // file that its output goes to, cut at 1 MiB
	Memory int64             // bytes of address space for data; 0: 1 GiB
}

// Start runs the program.
func (p *Program) Start(ctx context.Context, o Options) (*Process, error) { return nil, nil }

// Signal sends sig to the whole process group.
func (p *Process) Signal(sig syscall.Signal) error { return nil }

// Kill ends the whole group with SIGKILL and waits for it.
func (p *Process) Kill() {}

// Stop asks with SIGTERM and kills after grace. The error says that it had to
// be killed, or how it exited if not with status 0.
func (p *Process) Stop(grace time.Duration) error { return nil }

// Done is closed when the program has ended by itself or by a signal.
func (p *Process) Done() <-chan struct{} { return nil }

// Err says how it ended: a lab.Fault with exit status and last lines of output,
// nil while it runs or after status 0.
func (p *Process) Err() error { return nil }

// Tail is the end of its output, at most n lines, each prefixed so that it
// can't be taken for ours.
func (p *Process) Tail(n int) string { return "" }
