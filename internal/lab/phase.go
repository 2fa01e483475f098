package lab

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// Phase is one step of a run.
type Phase string

// The phases in the order in which a run goes through them. Settle and
// Measure come twice: on the broken state and on the fixed one.
const (
	Open        Phase = "open" // makes the closures; not shown
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
	Evidence    Phase = "evidence" // not shown
	Stop        Phase = "stop"
)

// limit is a phase's deadline, where neither the lab nor the options say
// another. Limits only end what hangs, and are wide enough for a machine that
// has a tenth of itself left for the lab: a verdict never depends on them.
func limit(p Phase) time.Duration {
	switch p {
	case Open:
		return 10 * time.Second
	case Admit: // other labs go first
		return time.Hour
	case Seed:
		return 10 * time.Minute
	case Evidence:
		return 20 * time.Second
	case Stop:
		return time.Minute
	}
	return 5 * time.Minute
}

// grace is how long a phase may take to return after its context ended, where
// the options do not say another.
const grace = 5 * time.Second

// errLimit is the cause of a context that ended at a phase's limit.
var errLimit = errors.New("out of time")

// ours is an error that is never the learner's, whatever it wraps: a panic of
// the lab, an interruption, load that failed.
type ours struct{ error }

func (e ours) Unwrap() error { return e.error }

// phase runs one phase within its limit and shows it. A panic becomes an
// error; a phase that ignores its context is left behind after a grace, and
// its servers are removed under it. What it returned is dropped then.
func phase[T any](ctx context.Context, r *runner, p Phase, f func(context.Context) (T, error)) (T, error) {
	var none T
	if ctx.Err() != nil {
		return none, interrupted(ctx)
	}
	r.begin(p)
	began := time.Now()
	v, err := within(ctx, r.limit(p), r.grace(), f)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		err = interrupted(ctx)
	case errors.Is(err, errLimit):
		err = outOfTime(p, r.limit(p), err)
	}
	r.end(p, time.Since(began), err)
	if err != nil {
		return none, fmt.Errorf("%s: %w", p, err)
	}
	return v, nil
}

// do is phase for what returns nothing but an error.
func (r *runner) do(ctx context.Context, p Phase, f func(context.Context) error) error {
	_, err := phase(ctx, r, p, func(ctx context.Context) (struct{}, error) { return struct{}{}, f(ctx) })
	return err
}

// within runs f until it returns, but no longer than limit and grace. The
// error is errLimit, or wraps it, if f was cut off and did not succeed.
func within[T any](ctx context.Context, limit, grace time.Duration, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errLimit)
	defer cancel()
	type answer struct {
		v   T
		err error
	}
	done := make(chan answer, 1)
	go func() {
		v, err := guard(ctx, f)
		done <- answer{v, err}
	}()
	var a answer
	select {
	case a = <-done:
	case <-ctx.Done():
		select {
		case a = <-done:
		case <-time.After(grace):
			a.err = context.Cause(ctx)
		}
	}
	if a.err != nil && context.Cause(ctx) == errLimit && !errors.Is(a.err, errLimit) {
		// A driver that says in its own words that its context ended.
		a.err = fmt.Errorf("%w: %w", errLimit, a.err)
	}
	return a.v, a.err
}

// guard makes an error of a panic.
func guard[T any](ctx context.Context, f func(context.Context) (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = ours{fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	return f(ctx)
}

// interrupted is why ctx ended from outside of the phase: somebody stopped the
// run, or the load failed.
func interrupted(ctx context.Context) error {
	cause := context.Cause(ctx)
	var f *loadFailure
	if errors.As(cause, &f) {
		return f.err
	}
	var inv *Invalid
	if errors.As(cause, &inv) { // an outage
		return inv
	}
	return ours{fmt.Errorf("interrupted: %w", cause)}
}

// outOfTime tells the limit, and what the phase last saw. It stays the fault
// of the one who was blamed.
func outOfTime(p Phase, limit time.Duration, err error) error {
	text := fmt.Errorf("took longer than %s: %w", limit, err)
	var f *Fault
	if errors.As(err, &f) {
		return Blame(f.Check, fmt.Errorf("%s %w", p, text))
	}
	return text
}
