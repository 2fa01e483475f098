package measure

import (
	"context"
	"sync/atomic"
	"time"
)

// Wave is calls that were made at once.
type Wave struct {
	Size  int
	ended atomic.Int64
	done  chan error
}

// Send makes n calls at once, each of which must end with the context that it
// uses. Call gets its number, from 0.
func Send(n int, call func(i int) error) *Wave {
	w := &Wave{Size: n, done: make(chan error, n)}
	for i := range n {
		go func() {
			err := call(i)
			w.ended.Add(1)
			w.done <- err
		}()
	}
	return w
}

// Ended is how many of the calls have ended.
func (w *Wave) Ended() int { return int(w.ended.Load()) }

// Within waits so long for the calls and says how many have not ended then.
func (w *Wave) Within(ctx context.Context, d time.Duration) (late int, err error) {
	limit := time.NewTimer(d)
	defer limit.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for w.Ended() < w.Size {
		select {
		case <-limit.C:
			return w.Size - w.Ended(), nil
		case <-tick.C:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
	return 0, nil
}

// Wait waits for all calls, once, or until one of them has an error.
func (w *Wave) Wait(ctx context.Context) error {
	for range w.Size {
		select {
		case err := <-w.done:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
