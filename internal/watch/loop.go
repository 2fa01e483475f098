// Package watch runs a lab again whenever its fix was edited, and shows that
// on one screen.
package watch

import (
	"context"
	"errors"
	"time"

	"faultlab/internal/lab"
)

const (
	every = 300 * time.Millisecond // between two looks
	quiet = 500 * time.Millisecond // without a change before anything is done
)

// Loop decides what is run, and when. It looks at the fix again and again
// instead of waiting to be told by the system: that works on every file system
// (shared folders, WSL) and with every editor (some replace the file, some the
// folder), and a fix is a few small files. What is in them decides, so that
// saving without a change, and editors' own files, start nothing.
type Loop struct {
	// Look says what the fix is now: equal texts, equal fix. Its error says in
	// one sentence why it can't be run.
	Look func() (string, error)
	// Run runs it, and returns when all is torn down. Its context ends with the
	// cause lab.ErrDropped.
	Run func(context.Context)
	// Broken is told of an error of Look that stays, once.
	Broken func(error)
}

// sight is what a look saw; the zero one is like no other.
type sight struct{ fix, broken string }

func (l Loop) look() sight {
	fix, err := l.Look()
	if err != nil {
		return sight{broken: err.Error()}
	}
	return sight{fix: "fix " + fix}
}

// Watch runs the fix as it is, then after each edit, and whenever again says
// so, until ctx ends. One run goes on at a time: a newer fix ends the one under
// way, and starts when that has torn down.
func (l Loop) Watch(ctx context.Context, again <-chan struct{}) {
	var (
		seen  = l.look()
		since time.Time                                // when it was first seen; long ago at first
		ran   sight                                    // what was run last, or said to be broken
		drop  context.CancelCauseFunc = func(error) {} // the run under way
		done  chan struct{}                            // closed at its end; nil if none goes on
	)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if seen != ran && time.Since(since) >= quiet {
			switch {
			case done != nil:
				drop(lab.ErrDropped)
				ran = sight{} // it is run again even if the edit is taken back
			case seen.broken != "":
				ran = seen
				l.Broken(errors.New(seen.broken))
			default:
				ran = seen
				done, drop = l.start(ctx)
			}
		}
		select {
		case <-ctx.Done():
			drop(lab.ErrDropped)
			if done != nil {
				<-done
			}
			return
		case <-again:
			ran = sight{}
		case <-done:
			done = nil
		case <-tick.C:
		}
		if now := l.look(); now != seen {
			seen, since = now, time.Now()
		}
	}
}

func (l Loop) start(ctx context.Context) (chan struct{}, context.CancelCauseFunc) {
	ctx, drop := context.WithCancelCause(context.WithoutCancel(ctx)) // so that the cause is always ours
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer drop(nil)
		l.Run(ctx)
	}()
	return done, drop
}
