package measure

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"faultlab/internal/lab"
)

// Every calls f at a pace until ctx ends: at once, then each time that pace has
// passed. Calls that f was too slow for are left out and not made up for. An
// error of f ends it, unless ctx has ended: then f was cut off.
func Every(ctx context.Context, pace time.Duration, f func(context.Context) error) error {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := f(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return nil
}

// Rate calls sample, at a pace until ctx ends, with how many a second a counter
// has risen since the last time, however long ago that was.
func Rate(ctx context.Context, pace time.Duration, count func() int, sample func(perSecond float64)) error {
	last, at := count(), time.Now()
	return Every(ctx, pace, func(context.Context) error {
		n, now := count(), time.Now()
		if took := now.Sub(at); took >= pace/2 { // the first call comes at once
			sample(float64(n-last) / took.Seconds())
			last, at = n, now
		}
		return nil
	})
}

// While takes a sample at a pace while f runs, and returns the error of f. A
// sample that can't be taken ends f and is an error that is never the
// learner's, unless it is a lab.Fault: without samples nobody knows what f did.
func While(ctx context.Context, pace time.Duration, sample, f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sampled := make(chan error, 1)
	go func() {
		var err error
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
			if err != nil {
				cancel()
			}
			sampled <- err
		}()
		err = Every(ctx, pace, sample)
	}()
	err := f(ctx)
	cancel()
	serr := <-sampled
	var fault *lab.Fault
	switch {
	case serr == nil:
		return err
	case errors.As(serr, &fault):
		return serr
	}
	return fmt.Errorf("sample: %w", lab.Invalidf("the servers could not be watched: %v", serr))
}
