package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Phase is one step of a run.
type Phase string

// The phases in the order in which a run goes through them. Settle and
// Measure come twice: on the broken state and on the fixed one.
const (
	Admit       Phase = "admit"
	Start       Phase = "start"
	Seed        Phase = "seed"
	Print       Phase = "fingerprint"
	Save        Phase = "snapshot"
	Break       Phase = "break"
	Settle      Phase = "settle"
	Measure     Phase = "measure"
	Apply       Phase = "fix"
	SettleFixed Phase = "settle (fixed)"
	Remeasure   Phase = "measure (fixed)"
	Hold        Phase = "hold"
	Integrity   Phase = "integrity"
	Stop        Phase = "stop"
)

// limits are the deadlines of the phases; Run.Limits overrides them. They are
// wide, since they only end what hangs: a verdict never depends on them.
var limits = map[Phase]time.Duration{
	Admit: time.Hour, Start: 3 * time.Minute, Seed: 3 * time.Minute, Print: time.Minute, Save: 2 * time.Minute,
	Break: time.Minute, Settle: time.Minute, Measure: 2 * time.Minute,
	Apply: 2 * time.Minute, SettleFixed: 2 * time.Minute, Remeasure: 2 * time.Minute,
	Hold: time.Minute, Integrity: time.Minute, Stop: time.Minute,
}

// grace is how long a phase may take to return after its context ended. A
// phase that does not is left behind: its servers are removed under it.
const grace = 5 * time.Second

// Verdict is how a run ended.
type Verdict string

// The three verdicts. Fail is the learner's; Invalid is ours: Docker, the
// seed, a failure that did not reproduce.
const (
	Pass       Verdict = "pass"
	Fail       Verdict = "fail"
	InvalidRun Verdict = "invalid"
)

// ExitCode is the command's exit status for a verdict.
func (v Verdict) ExitCode() int {
	switch v {
	case Pass:
		return 0
	case Fail:
		return 1
	}
	return 3
}

// Took is a phase and how long it took.
type Took struct {
	Phase   Phase         `json:"phase"`
	Elapsed time.Duration `json:"elapsed_ns"`
	Error   string        `json:"error,omitempty"`
}

// Result is all that is known of one run.
type Result struct {
	Lab      string
	Title    string
	Variant  string
	Verdict  Verdict
	Reason   string // why it is invalid, or which error was the learner's
	Checks   []Outcome
	Before   *Readings
	After    *Readings
	Servers  []Server
	Phases   []Took
	Seed     uint64
	Started  time.Time
	Elapsed  time.Duration
	Evidence string // folder; empty after a pass
}

// Failed lists the ids of the checks that failed.
func (r *Result) Failed() []string {
	var ids []string
	for _, o := range r.Checks {
		if !o.OK && !o.Skipped {
			ids = append(ids, o.ID)
		}
	}
	return ids
}

// Event is something to show while a run goes on.
type Event struct {
	Phase   Phase
	Done    bool          // the phase ended
	Elapsed time.Duration // when Done
	Err     error         // when Done
	Text    string        // else a line of detail, or empty at the start of the phase
}

// Options are what a run needs beside the lab.
type Options struct {
	Env   Env
	Start Variant // the broken state's variant
	Fix   Variant // what is judged
	Show  func(Event)
	// Evidence is where logs go when the verdict is not pass. Empty: nowhere.
	Evidence string
}

// Do runs the lab once and judges the fix. It always returns a Result, and
// has always torn down when it returns.
func (l *Lab) Do(ctx context.Context, o Options) *Result {
	r := &runner{lab: l, opts: o, res: &Result{
		Lab: l.Name, Title: l.Title, Variant: o.Fix.Name, Seed: o.Env.Seed,
		Started: time.Now(), Before: &Readings{}, After: &Readings{},
	}}
	if r.opts.Show == nil {
		r.opts.Show = func(Event) {}
	}
	r.opts.Env.Log = r.log
	r.judge(r.run(ctx))
	r.res.Elapsed = time.Since(r.res.Started)
	return r.res
}

// Up brings a lab to its broken state and leaves it so: start, seed, break,
// settle. The caller owns the rig then.
func (l *Lab) Up(ctx context.Context, o Options) (Run, error) {
	r := &runner{lab: l, opts: o, res: &Result{}}
	if r.opts.Show == nil {
		r.opts.Show = func(Event) {}
	}
	r.opts.Env.Log = r.log
	if err := r.open(); err != nil {
		return Run{}, err
	}
	return r.Run, r.breakIt(ctx)
}

type runner struct {
	lab   *Lab
	opts  Options
	res   *Result
	phase Phase
	print Fingerprint
	// cancelled makes the teardown tell what it removes: somebody waits for it.
	cancelled bool
	Run
	stopLoad func() error
}

func (r *runner) log(format string, args ...any) {
	if r.phase == Stop && !r.cancelled {
		return
	}
	r.opts.Show(Event{Phase: r.phase, Text: fmt.Sprintf(format, args...)})
}

// open makes the run's closures.
func (r *runner) open() (err error) {
	r.opts.Env.Lab, r.opts.Env.Memory, r.opts.Env.Disk = r.lab.Name, r.lab.Memory, r.lab.Disk
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("lab %s panicked in New: %v\n%s", r.lab.Name, p, debug.Stack())
		}
	}()
	r.Run = r.lab.New(r.opts.Env)
	return nil
}

// run goes through the phases; the error is the first that ended it.
func (r *runner) run(ctx context.Context) (err error) {
	if err := r.open(); err != nil {
		return err
	}
	defer func() {
		// The servers' own words are needed whenever the fix is not simply good.
		if err != nil || !r.passes() {
			r.keepEvidence(ctx)
		}
		r.cancelled = ctx.Err() != nil
		// What could not be removed is swept at the next start; the verdict stands.
		_ = r.do(context.WithoutCancel(ctx), Stop, r.Rig.Stop)
	}()
	if err := r.breakIt(ctx); err != nil {
		return err
	}
	r.startLoad(ctx)
	defer func() {
		if lerr := r.stopLoad(); err == nil && lerr != nil {
			err = lerr
		}
	}()
	if err := r.measure(ctx, Measure, r.opts.Start, r.res.Before); err != nil {
		// Only start/ has run: whatever is wrong with it is not the learner's.
		return notTheirs(err)
	}
	if err := r.reproduced(); err != nil {
		return err
	}
	v := r.opts.Fix
	if r.Run.Apply != nil {
		err := r.do(ctx, Apply, func(ctx context.Context) error { return r.Run.Apply(ctx, v) })
		if err != nil {
			return r.theirs(ctx, err)
		}
	}
	if r.Run.Settle != nil {
		if err := r.do(ctx, SettleFixed, r.Run.Settle); err != nil {
			if errors.Is(err, errLimit) {
				// It settled before the fix, so what keeps it from settling is the fix.
				return Blame(ApplyCheck, err)
			}
			return err
		}
	}
	if err := r.measure(ctx, Remeasure, v, r.res.After); err != nil {
		return err
	}
	if r.Run.Hold != nil {
		err := r.do(ctx, Hold, func(ctx context.Context) error { return r.Run.Hold(ctx, v, r.res.After) })
		if err != nil {
			return err
		}
	}
	if err := r.stopLoad(); err != nil {
		return err
	}
	if r.Run.Integrity != nil {
		return r.do(ctx, Integrity, func(ctx context.Context) error {
			return r.Run.Integrity(ctx, r.print, r.res.After)
		})
	}
	return nil
}

// breakIt brings the servers up and the failure about.
func (r *runner) breakIt(ctx context.Context) error {
	if rig, ok := r.Rig.(Admitter); ok {
		if err := r.do(ctx, Admit, rig.Admit); err != nil {
			return err
		}
	}
	var seeded bool
	err := r.do(ctx, Start, func(ctx context.Context) (err error) {
		r.print, seeded, err = r.Rig.Start(ctx)
		return err
	})
	if err != nil {
		return err
	}
	r.res.Servers = r.Rig.Servers()
	if !seeded && r.Run.Seed != nil {
		if err := r.do(ctx, Seed, r.Run.Seed); err != nil {
			return err
		}
		if r.Run.Fingerprint != nil {
			err := r.do(ctx, Print, func(ctx context.Context) (err error) {
				r.print, err = r.Run.Fingerprint(ctx)
				return err
			})
			if err != nil {
				return err
			}
		}
		err := r.do(ctx, Save, func(ctx context.Context) error { return r.Rig.Save(ctx, r.print) })
		if err != nil {
			return err
		}
	}
	if r.Run.Break != nil {
		if err := r.do(ctx, Break, r.Run.Break); err != nil {
			return err
		}
	}
	if r.Run.Settle != nil {
		return r.do(ctx, Settle, r.Run.Settle)
	}
	return nil
}

func (r *runner) measure(ctx context.Context, p Phase, v Variant, into *Readings) error {
	return r.do(ctx, p, func(ctx context.Context) error { return r.Run.Measure(ctx, v, into) })
}

// startLoad runs the service's traffic until stopLoad, which may be called twice.
func (r *runner) startLoad(ctx context.Context) {
	r.stopLoad = func() error { return nil }
	if r.Run.Load == nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		done <- guard(ctx, r.Run.Load)
	}()
	stopped := false
	r.stopLoad = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil && !errors.Is(err, context.Canceled) {
				return fmt.Errorf("load: %w", err)
			}
			return nil
		case <-time.After(grace):
			return fmt.Errorf("load: did not stop within %s", grace)
		}
	}
}

// reproduced wants every symptom to be there before the fix.
func (r *runner) reproduced() error {
	for _, c := range r.lab.Checks {
		if !c.symptom {
			continue
		}
		if o := c.judge(r.res.Before, r.res.Before); o.OK {
			return Invalidf("the failure did not reproduce here: %s already holds before the fix (%s)", o.Says, o.Got)
		}
	}
	return nil
}

// do runs one phase with its deadline. A panic becomes an error; a phase that
// ignores its context is left behind after a grace.
func (r *runner) do(ctx context.Context, p Phase, f func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	r.phase = p
	r.opts.Show(Event{Phase: p})
	limit := limits[p]
	if d, ok := r.Run.Limits[p]; ok {
		limit = d
	}
	began := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errLimit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- guard(ctx, f) }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		select {
		case err = <-done:
		case <-time.After(grace):
			err = context.Cause(ctx)
		}
	}
	if err != nil && context.Cause(ctx) == errLimit {
		var f *Fault
		text := fmt.Errorf("%w: %s took longer than %s: %w", errLimit, p, limit, err)
		if errors.Is(err, errLimit) {
			text = fmt.Errorf("%w: %s took longer than %s", errLimit, p, limit)
		}
		if errors.As(err, &f) {
			err = Blame(f.Check, text)
		} else {
			err = text
		}
	}
	took := Took{Phase: p, Elapsed: time.Since(began)}
	if err != nil {
		took.Error = err.Error()
	}
	r.res.Phases = append(r.res.Phases, took)
	r.opts.Show(Event{Phase: p, Done: true, Elapsed: took.Elapsed, Err: err})
	return err
}

var errLimit = errors.New("out of time")

func guard(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f(ctx)
}

// theirs blames an error of the fix phase on the learner, unless it is ours:
// cancelled from outside, or a panic of the lab.
func (r *runner) theirs(ctx context.Context, err error) error {
	var f *Fault
	var inv *Invalid
	if ctx.Err() != nil || errors.As(err, &f) || errors.As(err, &inv) || strings.HasPrefix(err.Error(), "panic: ") {
		return err
	}
	return Blame(ApplyCheck, err)
}

func notTheirs(err error) error {
	var f *Fault
	if errors.As(err, &f) {
		return fmt.Errorf("start/ itself did not run (%s): %w", f.Check, f.Err)
	}
	return err
}

// passes says whether all checks hold on the readings taken so far.
func (r *runner) passes() bool {
	for _, c := range r.lab.Checks {
		if !c.judge(r.res.Before, r.res.After).OK {
			return false
		}
	}
	return true
}

// keepEvidence never changes a verdict; what it can't get, it leaves out.
func (r *runner) keepEvidence(ctx context.Context) {
	dir := r.opts.Evidence
	if dir == "" || len(r.res.Servers) == 0 {
		return
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	_ = guard(ctx, func(ctx context.Context) error { return r.Rig.Evidence(ctx, dir) })
	r.res.Evidence = dir
}

// judge turns what the run came to into checks and one verdict.
func (r *runner) judge(err error) {
	res := r.res
	var f *Fault
	if err != nil && !errors.As(err, &f) {
		res.Verdict, res.Reason = InvalidRun, err.Error()
		return
	}
	applies := Outcome{ID: ApplyCheck, OK: true, Says: "the fix applies without an error, in time", Got: "yes"}
	if f != nil {
		res.Reason = f.Error()
		if f.Check == ApplyCheck || !r.has(f.Check) {
			applies.OK, applies.Got, applies.Hint = false, "no", f.Error()
		}
	}
	res.Checks = append(res.Checks, applies)
	for _, c := range r.lab.Checks {
		_, measured := res.After.Get(c.Reading)
		o := c.judge(res.Before, res.After)
		switch {
		case f != nil && f.Check == c.ID:
			o.OK, o.Got, o.Hint = false, "error", f.Error()
		case f != nil && !measured:
			// The run ended before this was measured; it says nothing.
			o.Skipped, o.OK, o.Hint = true, false, ""
		case !measured:
			res.Verdict, res.Checks = InvalidRun, nil
			res.Reason = fmt.Sprintf("lab %s takes no reading named %q, which its check %q is about", res.Lab, c.Reading, c.ID)
			return
		}
		res.Checks = append(res.Checks, o)
	}
	res.Verdict = Pass
	if f != nil || len(res.Failed()) > 0 {
		res.Verdict = Fail
	}
}

func (r *runner) has(id string) bool {
	return slices.ContainsFunc(r.lab.Checks, func(c Check) bool { return c.ID == id })
}
