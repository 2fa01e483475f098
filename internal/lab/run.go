package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Event is something to show while a run goes on.
type Event struct {
	Phase   Phase
	Done    bool          // the phase ended
	Elapsed time.Duration // when Done
	Err     error         // when Done
	Reading *Reading      // else a reading that was taken: before the fix in Measure, after it in other phases
	Text    string        // else a line of detail, or empty at the start of the phase
}

// ErrDropped is the cause of a context that ends a run whose outcome nobody
// wants any more: it leaves neither evidence nor a result.
var ErrDropped = errors.New("dropped")

// Options are what a run needs beside the lab.
type Options struct {
	Env   Env
	Start Variant // the broken state's variant
	Fix   Variant // what is judged
	// Show is given what happens, one event at a time, and none after the run.
	Show func(Event)
	// Evidence is where logs go when the verdict is not pass. Empty: nowhere.
	Evidence string
	// Limits replace the deadlines of phases; those of the lab's Run go first.
	Limits map[Phase]time.Duration
	// Grace is how long a phase may take to return after its deadline; 0: 5 s.
	Grace time.Duration
}

// Do runs the lab once and judges the fix. It always returns a Result, and
// has always torn down when it returns.
func (l *Lab) Do(ctx context.Context, o Options) *Result {
	r := newRunner(l, o)
	defer r.close()
	r.res.Started = time.Now()
	r.before.taken, r.after.taken = r.reading, r.reading
	if err := r.open(ctx); err != nil {
		r.judge(err)
	} else {
		err := r.run(ctx)
		// Copies: a phase that was left behind may still take readings.
		r.res.Before, r.res.After = r.before.copied(), r.after.copied()
		r.res.Series = r.samples.all()
		r.judge(err)
		if r.res.Verdict == Fail {
			if out := r.outage(ctx); out != nil {
				r.res.Checks = nil
				r.judge(out)
			}
		}
		if r.res.Verdict != Pass && context.Cause(ctx) != ErrDropped {
			r.keepEvidence(ctx)
		}
		r.teardown(ctx)
	}
	r.res.Elapsed = time.Since(r.res.Started)
	return r.res
}

// runner is one run under way.
type runner struct {
	lab  *Lab
	opts Options
	res  *Result
	Run
	print         Fingerprint
	before, after Readings
	samples       samples

	mu     sync.Mutex // phases log from any goroutine
	phase  Phase
	fixing bool // the fix may have had its effect
	quiet  bool // don't show details of this phase
	live   bool // a playground: what was never measured says nothing
	closed bool
}

func newRunner(l *Lab, o Options) *runner {
	r := &runner{lab: l, opts: o, res: &Result{
		Lab: l.Name, Title: l.Title, Variant: o.Fix.Name, Seed: o.Env.Seed,
		Before: &Readings{}, After: &Readings{}, Command: strings.Join(o.Fix.Command, " "),
		Machine: Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU()},
	}}
	r.opts.Env.Lab, r.opts.Env.Memory, r.opts.Env.Disk = l.Name, l.Memory, l.Disk
	r.opts.Env.Log, r.opts.Env.Sample = r.log, r.sample
	return r
}

// open makes the run's closures.
func (r *runner) open(ctx context.Context) (err error) {
	r.Run, err = within(ctx, r.limit(Open), r.grace(), func(context.Context) (Run, error) {
		return r.lab.New(r.opts.Env), nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("open lab %s: %w", r.lab.Name, err)
	case r.Run.Rig == nil:
		return fmt.Errorf("open lab %s: its New makes no Rig", r.lab.Name)
	case r.Run.Measure == nil:
		return fmt.Errorf("open lab %s: its New makes no Measure", r.lab.Name)
	}
	return nil
}

// run goes through the phases; the error is the first that ended it.
func (r *runner) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := r.breakIt(ctx); err != nil {
		return notTheirs(err)
	}
	var watch sync.WaitGroup
	watch.Go(func() { r.watch(ctx, cancel) })
	defer watch.Wait()
	defer cancel(nil)
	stopLoad := r.startLoad(ctx, cancel)
	defer func() {
		if lerr := stopLoad(); err == nil {
			err = lerr
		}
	}()
	if err := r.settle(ctx, Settle); err != nil {
		return notTheirs(err)
	}
	if err := r.measure(ctx, Measure, r.opts.Start, &r.before); err != nil {
		return notTheirs(err)
	}
	if err := r.reproduced(); err != nil {
		return err
	}
	if err := r.fixed(ctx); err != nil {
		return err
	}
	if err := stopLoad(); err != nil || r.Run.Integrity == nil {
		return err
	}
	return r.do(ctx, Integrity, func(ctx context.Context) error {
		return r.Run.Integrity(ctx, r.print, &r.after)
	})
}

// outageEvery is how often the machine is looked at: a phase would wait for its
// limit, minutes, for a server that is gone.
const outageEvery = 2 * time.Second

// watch ends the run when something befell its servers from outside.
func (r *runner) watch(ctx context.Context, end context.CancelCauseFunc) {
	tick := time.NewTicker(outageEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if out := r.outage(ctx); out != nil && ctx.Err() == nil {
				end(out)
			}
		}
	}
}

// outage is what befell the servers from outside, if the rig can tell.
func (r *runner) outage(ctx context.Context) error {
	rig, ok := r.Rig.(Witness)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.grace())
	defer cancel()
	return rig.Outage(ctx)
}

// breakIt brings the servers up and the failure about.
func (r *runner) breakIt(ctx context.Context) error {
	if rig, ok := r.Rig.(Admitter); ok {
		if err := r.do(ctx, Admit, rig.Admit); err != nil {
			return err
		}
	}
	type started struct {
		print   Fingerprint
		seeded  bool
		servers []Server
	}
	s, err := phase(ctx, r, Start, func(ctx context.Context) (s started, err error) {
		if s.print, s.seeded, err = r.Rig.Start(ctx); err == nil {
			s.servers = r.Rig.Servers()
		}
		return s, err
	})
	if err != nil {
		return err
	}
	r.print, r.res.Servers = s.print, s.servers
	if !s.seeded && r.Run.Seed != nil {
		if err := r.seed(ctx); err != nil {
			return err
		}
	}
	if r.Run.Break == nil {
		return nil
	}
	return r.do(ctx, Break, r.Run.Break)
}

// seed fills the servers and keeps what it made.
func (r *runner) seed(ctx context.Context) (err error) {
	if err := r.do(ctx, Seed, r.Run.Seed); err != nil {
		return err
	}
	if r.Run.Fingerprint != nil {
		if r.print, err = phase(ctx, r, Print, r.Run.Fingerprint); err != nil {
			return err
		}
	}
	return r.do(ctx, Save, func(ctx context.Context) error { return r.Rig.Save(ctx, r.print) })
}

// fixed applies the fix and measures what it did.
func (r *runner) fixed(ctx context.Context) error {
	v := r.opts.Fix
	r.mu.Lock()
	r.fixing = true
	r.mu.Unlock()
	if r.Run.Apply != nil {
		if err := r.do(ctx, Apply, func(ctx context.Context) error { return r.Run.Apply(ctx, v) }); err != nil {
			return theirs(Apply, err)
		}
	}
	if err := r.settle(ctx, SettleFixed); err != nil {
		return theirs(SettleFixed, err)
	}
	if err := r.measure(ctx, Remeasure, v, &r.after); err != nil {
		return theirs(Remeasure, err)
	}
	if r.Run.Hold == nil {
		return nil
	}
	return theirs(Hold, r.do(ctx, Hold, func(ctx context.Context) error { return r.Run.Hold(ctx, v, &r.after) }))
}

func (r *runner) settle(ctx context.Context, p Phase) error {
	if r.Run.Settle == nil {
		return nil
	}
	return r.do(ctx, p, r.Run.Settle)
}

func (r *runner) measure(ctx context.Context, p Phase, v Variant, into *Readings) error {
	return r.do(ctx, p, func(ctx context.Context) error { return r.Run.Measure(ctx, v, into) })
}

// loadFailure is the cause of a run's end when the load failed.
type loadFailure struct{ err error }

func (f *loadFailure) Error() string { return f.err.Error() }

// startLoad runs the service's traffic until stop, which may be called twice.
// Load that fails meanwhile ends the run: whoever waits for its effect would
// wait until a limit, and blame the fix.
func (r *runner) startLoad(ctx context.Context, fail context.CancelCauseFunc) (stop func() error) {
	if r.Run.Load == nil {
		return func() error { return nil }
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		_, err := guard(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, r.Run.Load(ctx) })
		var f *Fault
		switch {
		case err == nil:
		case errors.As(err, &f) && !isOurs(err) && r.isFixing():
			err = Blame(f.Check, fmt.Errorf("load: %w", f.Err))
		case ctx.Err() != nil && !isOurs(err):
			err = nil // cut off, and saying so
		default:
			err = ours{fmt.Errorf("load: %w", err)}
		}
		if err != nil {
			fail(&loadFailure{err})
		}
		done <- err
	}()
	return sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(r.grace()):
			return ours{fmt.Errorf("load: did not stop within %s", r.grace())}
		}
	})
}

func (r *runner) isFixing() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fixing
}

// keepEvidence never changes a verdict; what it can't get, it leaves out.
func (r *runner) keepEvidence(ctx context.Context) {
	dir := r.opts.Evidence
	if dir == "" || os.MkdirAll(dir, 0o755) != nil {
		return
	}
	_, _ = within(context.WithoutCancel(ctx), r.limit(Evidence), r.grace(), func(ctx context.Context) (struct{}, error) {
		return struct{}{}, r.Rig.Evidence(ctx, dir)
	})
	if os.Remove(dir) != nil { // not empty
		r.res.Evidence = dir
	}
}

// teardown removes the servers. What could not be removed is swept at the next
// start; the verdict stands. Details are shown only to whoever interrupted the
// run and waits for its end.
func (r *runner) teardown(ctx context.Context) {
	r.mu.Lock()
	r.quiet = ctx.Err() == nil
	r.mu.Unlock()
	_ = r.do(context.WithoutCancel(ctx), Stop, r.Rig.Stop)
}

// limit is a phase's deadline. Time that runs out after the fix is held against
// it, so there is always several times as much as the broken state took.
func (r *runner) limit(p Phase) time.Duration {
	const times = 4
	var took time.Duration
	for _, t := range r.res.Phases {
		if p == SettleFixed && t.Phase == Settle || p == Remeasure && t.Phase == Measure {
			took = t.Elapsed
		}
	}
	d, ok := r.Run.Limits[p]
	if !ok {
		d, ok = r.opts.Limits[p]
	}
	if !ok {
		d = limit(p)
	}
	return max(d, times*took)
}

func (r *runner) grace() time.Duration {
	if r.opts.Grace > 0 {
		return r.opts.Grace
	}
	return grace
}

func (r *runner) begin(p Phase) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.phase = p
	r.show(Event{Phase: p})
}

func (r *runner) end(p Phase, took time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := Took{Phase: p, At: time.Since(r.res.Started) - took, Elapsed: took}
	if err != nil {
		t.Error = err.Error()
	}
	r.res.Phases = append(r.res.Phases, t)
	r.show(Event{Phase: p, Done: true, Elapsed: took, Err: err})
}

func (r *runner) log(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.quiet {
		r.show(Event{Phase: r.phase, Text: fmt.Sprintf(format, args...)})
	}
}

func (r *runner) reading(x Reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.show(Event{Phase: r.phase, Reading: &x})
}

func (r *runner) sample(name, unit string, value float64) {
	if !r.live { // nobody would see them, and it may stay for days
		r.samples.add(name, unit, Point{time.Since(r.res.Started), value})
	}
}

// close silences what was left behind.
func (r *runner) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}

// show is called with mu held.
func (r *runner) show(e Event) {
	if r.opts.Show != nil && !r.closed {
		r.opts.Show(e)
	}
}
