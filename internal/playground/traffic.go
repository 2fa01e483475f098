package playground

import (
	"context"
	"errors"
	"fmt"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/rig"
)

// traffic is what goes on in the playground by itself.
type traffic struct {
	variant  lab.Variant // the program that is the service, in labs that have one
	since    time.Time   // when it was started; zero: it is not running
	err      error       // why it ended
	measured bool        // the broken state was
	broken   error       // why it could not be
}

// says is the traffic in words.
func (t *traffic) says(live *lab.Live) string {
	if live == nil {
		return ""
	}
	has, lost := live.Traffic()
	switch {
	case lost != nil:
		return fmt.Sprintf("ended: %v; lab reset starts it anew", lost)
	case t.broken != nil:
		return fmt.Sprintf("none: %v; lab reset tries again", t.broken)
	case !t.measured:
		return "the broken state is being measured"
	case has && t.since.IsZero() && t.err == nil:
		return "the service's own, all the time"
	case len(t.variant.Files) == 0:
		return "none"
	case t.err != nil:
		return fmt.Sprintf("%s/ ended: %v; lab apply starts it again", t.variant.Name, t.err)
	case t.since.IsZero():
		return t.variant.Name + "/ is about to start"
	}
	return fmt.Sprintf("%s/ is the service, for %s", t.variant.Name, time.Since(t.since).Round(time.Second))
}

// work measures the broken state once. Then, in labs whose fix is a program,
// that is the service; it gives way to whatever was asked for, and begins again.
func (o *owner) work(live *lab.Live) {
	ctx, cancel := context.WithCancel(context.Background())
	done, again := make(chan struct{}), make(chan struct{}, 1)
	o.mu.Lock()
	o.halt = func() { cancel(); <-done }
	o.resume = func() {
		select {
		case again <- struct{}{}:
		default:
		}
	}
	o.mu.Unlock()
	go func() {
		defer close(done)
		defer cancel()
		if !o.baseline(ctx, live) || !o.lab.Fix.Program {
			return
		}
		for {
			select {
			case <-again: // it is about to
			default:
			}
			o.play(ctx, live)
			select {
			case <-ctx.Done():
				return
			case <-again:
			}
		}
	}()
}

func (o *owner) baseline(ctx context.Context, live *lab.Live) bool {
	select {
	case o.busy <- struct{}{}:
		defer func() { <-o.busy }()
	case <-ctx.Done():
		return false
	}
	o.mu.Lock()
	o.aloof = true
	o.mu.Unlock()
	err := o.aside(ctx, live, func() error { return live.Baseline(ctx, o.start) })
	o.mu.Lock()
	defer o.mu.Unlock()
	o.aloof = false
	if ctx.Err() == nil && err != nil {
		o.traffic.broken = fmt.Errorf("measure the broken state: %w", err)
	}
	o.traffic.measured = err == nil
	return err == nil
}

// play runs the program as the service until something else is to be done or
// it ends.
func (o *owner) play(ctx context.Context, live *lab.Live) {
	select {
	case o.busy <- struct{}{}:
		defer func() { <-o.busy }()
	case <-ctx.Done():
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o.mu.Lock()
	v := o.traffic.variant
	o.yield, o.aloof = cancel, true
	o.mu.Unlock()
	var run func(context.Context) error
	err := o.aside(ctx, live, func() (err error) {
		run, err = live.Play(ctx, v)
		return err
	})
	if err == nil && run != nil {
		o.mu.Lock()
		o.traffic.since, o.traffic.err = time.Now(), nil
		o.mu.Unlock()
		err = run(ctx)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.yield, o.aloof = func() {}, false
	o.traffic.since = time.Time{}
	if ctx.Err() == nil {
		o.traffic.err = err
	}
}

// aside does something of ours without what that makes, topics and tables,
// being taken for done by hand. The caller holds busy.
func (o *owner) aside(ctx context.Context, live *lab.Live, do func() error) error {
	r := live.Rig().(*rig.Rig)
	before, err := look(ctx, r)
	if err != nil {
		return err
	}
	err = do()
	after, lerr := look(context.WithoutCancel(ctx), r)
	if lerr != nil {
		return errors.Join(err, lerr)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.changes.skip(before, after)
	return err
}
