package report

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/quote"
)

// Progress shows a run as it goes: a line a phase with its time. On a terminal
// the line is rewritten in place and shows what the phase is at; elsewhere a
// phase that takes long says so now and then, so that a log is never silent.
func Progress(w io.Writer, tty bool) func(lab.Event) {
	p := &progress{w: w, tty: tty, every: quiet, now: time.Now}
	return p.show
}

// Details is Progress with each command and state that a phase goes through.
func Details(w io.Writer) func(lab.Event) {
	p := &progress{w: w, now: time.Now}
	return p.show
}

// quiet is how long a log may go without a line.
const quiet = 10 * time.Second

type progress struct {
	mu    sync.Mutex // a lab logs from any goroutine
	w     io.Writer
	tty   bool
	every time.Duration // at most one detail in this time, where there is no terminal
	now   func() time.Time
	last  time.Time // when the last line was written
	open  lab.Phase // the phase under way
}

func (p *progress) show(e lab.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case e.Done:
		text := fmt.Sprintf("%-16s %7s", e.Phase, seconds(e.Elapsed))
		if e.Err != nil {
			first, _, _ := strings.Cut(quote.Plain(e.Err.Error()), "\n")
			text += "  error: " + first
		}
		p.end(text)
		p.open = ""
	case e.Reading != nil: // the report has it
	case e.Text == "":
		p.open, p.last = e.Phase, p.now()
		p.rewrite(string(e.Phase) + " …")
	case e.Phase == lab.Stop: // whoever interrupted the run is told what goes
		p.end("    " + strings.TrimRight(quote.Plain(e.Text), "\n"))
	case p.tty:
		first, _, _ := strings.Cut(quote.Plain(e.Text), "\n")
		if p.open != "" {
			p.rewrite(fmt.Sprintf("%-16s %s", p.open, first))
		}
	case p.now().Sub(p.last) >= p.every:
		for _, l := range strings.Split(strings.TrimRight(quote.Plain(e.Text), "\n"), "\n") {
			p.end("    " + l)
		}
	}
}

// rewrite shows a line that will be replaced. Wrapping is off meanwhile: only
// one row of the screen could be taken back.
func (p *progress) rewrite(text string) {
	if p.tty {
		fmt.Fprintf(p.w, "\r\x1b[K\x1b[?7l%s\x1b[?7h", strings.ReplaceAll(text, "\t", " "))
	}
}

func (p *progress) end(text string) {
	if p.tty {
		text = "\r\x1b[K" + text
	}
	fmt.Fprintln(p.w, text)
	p.last = p.now()
}

// Lines is a writer that several runs write lines to at a time: each call of Write
// is written in one piece.
type Lines struct {
	mu sync.Mutex
	w  io.Writer
}

// NewLines writes to w.
func NewLines(w io.Writer) *Lines { return &Lines{w: w} }

func (l *Lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// Of is for the lines of one of the runs, and puts its name before each.
func (l *Lines) Of(name string) io.Writer { return named{l, name + "  "} }

type named struct {
	to   io.Writer
	name string
}

func (n named) Write(b []byte) (int, error) {
	if _, err := n.to.Write(append([]byte(n.name), b...)); err != nil {
		return 0, err
	}
	return len(b), nil
}
