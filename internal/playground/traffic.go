package playground

import (
	"context"
	"errors"
	"fmt"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/rig"
)

// pause lies between two rounds of a program, so that what a round has left can
// be looked at, and is not heaped up too fast.
const pause = 30 * time.Second

// traffic is what goes on in the playground by itself.
type traffic struct {
	variant  lab.Variant // the program that runs, in labs that have one
	rounds   int
	going    bool      // a round is under way
	since    time.Time // when the round began, or the last one ended
	readings []lab.Reading
	err      error // of the last round
	measured bool  // the broken state was
	broken   error // why it could not be
	kick     chan struct{}
}

// next is the variant under a name that was not used yet: program labs name
// topics, keys and tables by it.
func (t *traffic) next(v lab.Variant) lab.Variant {
	t.rounds++
	v.Name = fmt.Sprintf("round-%d", t.rounds)
	return v
}

// switchTo makes v the program that runs, from now on.
func (t *traffic) switchTo(v lab.Variant) {
	t.variant, t.readings, t.err = v, nil, nil
	select {
	case t.kick <- struct{}{}:
	default:
	}
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
	case !t.measured && t.broken == nil:
		return "the broken state is being measured"
	case has:
		return "the service's own, all the time"
	case len(t.variant.Files) == 0 || t.kick == nil:
		return "none"
	case t.going:
		return fmt.Sprintf("%s/ is running for %s (round %d)", t.variant.Name, time.Since(t.since).Round(time.Second), t.rounds)
	case t.err != nil:
		return fmt.Sprintf("%s/ ended with an error (round %d): %v", t.variant.Name, t.rounds, t.err)
	}
	return fmt.Sprintf("%s/ has run %d times, on new topics, keys or tables each time, and runs again every %s", t.variant.Name, t.rounds, pause)
}

// work measures the broken state once, and in labs whose fix is a program, and
// that have no traffic beside it, runs the program again and again.
func (o *owner) work(live *lab.Live) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	o.mu.Lock()
	o.halt = func() { cancel(); <-done }
	o.traffic.kick = make(chan struct{}, 1)
	kick := o.traffic.kick
	o.mu.Unlock()
	has, _ := live.Traffic()
	go func() {
		defer close(done)
		defer cancel()
		if !o.baseline(ctx, live) || has || !o.lab.Fix.Program {
			return
		}
		tick := time.NewTimer(pause)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-kick:
			case <-tick.C:
			}
			o.round(ctx, live)
			tick.Reset(pause)
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

// round runs the program once, unless something better is to be done.
func (o *owner) round(ctx context.Context, live *lab.Live) {
	select {
	case o.busy <- struct{}{}:
		defer func() { <-o.busy }()
	case <-ctx.Done():
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o.mu.Lock()
	v := o.traffic.next(o.traffic.variant)
	o.traffic.going, o.traffic.since = true, time.Now()
	o.yield, o.aloof = cancel, true
	o.mu.Unlock()
	var readings []lab.Reading
	err := o.aside(ctx, live, func() (err error) {
		readings, err = live.Round(ctx, v)
		return err
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	o.yield, o.aloof = func() {}, false
	o.traffic.going, o.traffic.since = false, time.Now()
	if ctx.Err() == nil {
		o.traffic.readings, o.traffic.err = readings, err
	}
}

// aside measures without what that makes, topics and tables of a round, being
// taken for done by hand. The caller holds busy.
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
