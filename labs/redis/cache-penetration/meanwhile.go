package cachepenetration

import (
	"context"
	"slices"
	"sync"
	"time"

	"faultlab/internal/measure"
)

// moment is how long the harness waits for what the program may make wait for
// something that the harness has stopped.
const moment = time.Second

// meanwhile is what happens between any two pieces of what an instance sends. It
// is not waited for longer than a moment: the instance may be what it waits for.
type meanwhile struct {
	do    func(context.Context) error
	ctx   context.Context
	mu    sync.Mutex
	waves []*measure.Wave
}

func (m *meanwhile) piece([]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.ContainsFunc(m.waves, func(w *measure.Wave) bool { return w.Ended() < w.Size }) {
		return
	}
	w := measure.Send(1, func(int) error { return m.do(m.ctx) })
	m.waves = append(m.waves, w)
	_, _ = w.Within(m.ctx, moment)
}

// end returns err, or what went wrong meanwhile.
func (m *meanwhile) end(ctx context.Context, err error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range m.waves {
		if werr := w.Wait(ctx); err == nil {
			err = werr
		}
	}
	return err
}

// first calls f at the first piece: a second Mute would forget what is held.
func first(f func()) func([]byte) {
	var once sync.Once
	return func([]byte) { once.Do(f) }
}
