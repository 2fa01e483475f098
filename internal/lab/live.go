package lab

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Live is a lab's broken state that is left running, with the traffic of its
// service, for somebody to look at. One method is called at a time, but for
// Down, Rig and Traffic.
type Live struct {
	r      *runner
	cancel context.CancelCauseFunc
	ctx    context.Context // of the traffic

	mu   sync.Mutex
	stop func() error // the traffic
	lost error        // why the traffic ended by itself
}

// Up breaks a lab and leaves it so: start, seed, break, while traffic goes on.
// The broken state then comes about before the eyes of whoever looks; Baseline
// waits for it. Up ends with ctx only until it returns; then the caller has to
// call Down. After an error nothing is left.
func (l *Lab) Up(ctx context.Context, o Options) (*Live, error) {
	r := newRunner(l, o)
	r.live = true
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	v := &Live{r: r, stop: func() error { return nil }}
	v.ctx, v.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	if err := r.breakIt(ctx); err != nil {
		_ = v.Down(ctx) // what it leaves is swept at the next start
		return nil, err
	}
	v.goOn()
	return v, nil
}

// goOn starts the traffic.
func (v *Live) goOn() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.stop = v.r.startLoad(v.ctx, func(err error) {
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.lost == nil {
			v.lost = err
		}
	})
}

func (v *Live) stopTraffic() error {
	v.mu.Lock()
	stop := v.stop
	v.mu.Unlock()
	return stop()
}

// Rig is the running servers.
func (v *Live) Rig() Rig { return v.r.Rig }

// Traffic says whether the lab has traffic of its own beside what its program
// gets when it is measured, and why it ended, if it did.
func (v *Live) Traffic() (has bool, lost error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.r.Run.Load != nil, v.lost
}

// Baseline takes the readings "before", while the state is still the broken
// one, and shows that it is.
func (v *Live) Baseline(ctx context.Context, start Variant) error {
	if err := v.r.settle(ctx, Settle); err != nil {
		return notTheirs(err)
	}
	var got Readings
	if err := v.r.measure(ctx, Measure, start, &got); err != nil {
		return notTheirs(err)
	}
	v.r.before.list = got.All()
	return v.r.reproduced()
}

// Play starts variant as the service in labs whose fix is a program, until ctx
// ends, and returns its traffic. It is nil in labs that have none of the kind.
func (v *Live) Play(ctx context.Context, variant Variant) (traffic func(context.Context) error, err error) {
	if v.r.Run.Play == nil {
		return nil, nil
	}
	return v.r.Run.Play(ctx, variant)
}

// Apply puts a script fix onto the servers.
func (v *Live) Apply(ctx context.Context, variant Variant) error {
	v.r.setFixing()
	if v.r.Run.Apply == nil {
		return nil
	}
	return v.r.do(ctx, Apply, func(ctx context.Context) error { return v.r.Run.Apply(ctx, variant) })
}

// Check judges the servers as they are now by the lab's checks, against the
// readings of Baseline. What is only measured while a fix is applied, or was
// not measured for another reason, is skipped.
func (v *Live) Check(ctx context.Context, variant Variant) *Result {
	r := v.r
	r.setFixing()
	r.after.list, r.after.notes = nil, nil
	r.res = &Result{
		Lab: r.res.Lab, Title: r.res.Title, Seed: r.res.Seed, Servers: r.res.Servers,
		Variant: variant.Name, Before: &Readings{}, After: &Readings{}, Started: time.Now(), Live: true,
	}
	err := v.measureAll(ctx, variant)
	r.res.Before, r.res.After = r.before.copied(), r.after.copied()
	r.judge(err)
	r.res.Elapsed = time.Since(r.res.Started)
	return r.res
}

func (v *Live) measureAll(ctx context.Context, variant Variant) error {
	r := v.r
	if len(r.before.All()) == 0 {
		return Invalidf("the broken state was not measured when the playground came up: reset it")
	}
	if _, lost := v.Traffic(); lost != nil {
		return Invalidf("the traffic of the service has ended (%v): reset the playground", lost)
	}
	if err := r.settle(ctx, SettleFixed); err != nil {
		return theirs(SettleFixed, err)
	}
	if err := r.measure(ctx, Remeasure, variant, &r.after); err != nil {
		return theirs(Remeasure, err)
	}
	if r.Run.Hold != nil {
		err := r.do(ctx, Hold, func(ctx context.Context) error { return r.Run.Hold(ctx, variant, &r.after) })
		if err != nil {
			return theirs(Hold, err)
		}
	}
	if r.Run.Integrity == nil {
		return nil
	}
	if err := v.stopTraffic(); err != nil {
		return err
	}
	defer v.goOn()
	return r.do(ctx, Integrity, func(ctx context.Context) error { return r.Run.Integrity(ctx, r.print, &r.after) })
}

// Down ends the traffic and removes the servers. It ends what else goes on.
func (v *Live) Down(ctx context.Context) error {
	v.cancel(errors.New("the playground is going down"))
	terr := v.stopTraffic()
	err := v.r.do(context.WithoutCancel(ctx), Stop, v.r.Rig.Stop)
	v.r.close()
	if err == nil && terr != nil {
		err = fmt.Errorf("end traffic: %w", terr)
	}
	return err
}

func (r *runner) setFixing() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fixing = true
}
