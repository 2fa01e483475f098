// Package measure waits for facts, runs load at a pace and samples servers
// while something else goes on.
package measure

import (
	"context"
	"fmt"
	"time"
)

// Until polls fact until it holds. A fact returns what it saw, for the error:
// when ctx ends, Until says what was waited for and the last state seen. An
// error of fact is a state too (a server that is not up yet).
func Until(ctx context.Context, what string, fact func(context.Context) (state string, ok bool, err error)) error {
	// What has taken long is asked less often: the answer is late by a sixteenth
	// of the wait at most.
	const least, most, part = 5 * time.Millisecond, 100 * time.Millisecond, 16
	began, last := time.Now(), ""
	for {
		state, ok, err := fact(ctx)
		switch {
		case err == nil && ok:
			return nil
		case err == nil:
			last = state
		case ctx.Err() == nil || last == "":
			last = err.Error() // but not the complaint at being cut off, if there is better
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w; last seen: %s", what, context.Cause(ctx), last)
		case <-time.After(min(max(time.Since(began)/part, least), most)):
		}
	}
}

// Soon waits for a fact that may never come about, and for so long at most: whoever
// is waited for may himself wait.
func Soon(ctx context.Context, limit time.Duration, what string, fact func() bool) error {
	began := time.Now()
	return Until(ctx, what, func(context.Context) (string, bool, error) {
		return "not yet", fact() || time.Since(began) > limit, nil
	})
}
