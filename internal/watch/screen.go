package watch

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"faultlab/internal/lab"
	"faultlab/internal/report"
)

// What is told while a fix is watched, beside the events of a run (lab.Event).
type (
	// Began is the start of a run.
	Began struct{ At time.Time }
	// Dropping is a run that is being ended before its end.
	Dropping struct{}
	// Ended is a run that came to its end.
	Ended struct {
		Result *lab.Result
		Advice string   // what to do now
		Next   *lab.Lab // the lab to go to after a pass
	}
	// Broken is a fix that can't be run, or a run that could not start.
	Broken struct{ Err error }
)

// Screen shows one lab that is watched: one run at a time, and the keys.
type Screen struct {
	Lab     *lab.Lab
	Fix     string // the folder that is watched, as the reader calls it
	Options report.Options

	// What the keys do.
	Run    func()
	Hint   func() (markdown, note string, err error)
	Brief  func() (markdown string, err error)
	Shell  func() (run func() error, err error) // run has the terminal to itself
	Render func(markdown string, o report.Options) (string, error)

	mail mail
}

// Tell takes what happened. It never waits.
func (s *Screen) Tell(what any) { s.mail.put(what) }

// Show draws the screen until the reader quits or ctx ends. It returns the lab
// that they want next; nil is none.
func (s *Screen) Show(ctx context.Context, in io.Reader, out io.Writer) (next *lab.Lab, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := newModel(ctx, s)
	// Signals are for the command to hear.
	p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler())
	if _, err := p.Run(); err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("draw screen: %w", err)
	}
	return m.next, nil
}

// mail holds what was told until the screen takes it: a run must not wait while
// a shell has the terminal.
type mail struct {
	mu   sync.Mutex
	list []any
	bell chan struct{}
}

// letters are what the mail held.
type letters []any

func (b *mail) put(what any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.list = append(b.list, what)
	select {
	case b.ringer() <- struct{}{}:
	default: // it rings already
	}
}

// ringer is called with mu held.
func (b *mail) ringer() chan struct{} {
	if b.bell == nil {
		b.bell = make(chan struct{}, 1)
	}
	return b.bell
}

// take waits for mail.
func (b *mail) take(ctx context.Context) tea.Msg {
	b.mu.Lock()
	bell := b.ringer()
	b.mu.Unlock()
	select {
	case <-ctx.Done():
		return nil
	case <-bell:
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.list
	b.list = nil
	return letters(list)
}
