// Package measure waits for facts, runs load and samples servers over time.
package measure

import (
	"context"
	"fmt"
	"time"
)

// Until polls fact until it holds. A fact returns what it saw, for the error:
// when ctx ends, Until says what was waited for and the last state seen. An
// error of fact is a state too (a server that is not up yet). It looks again
// after a twentieth of the time waited so far, so that looking costs the server
// little and what is waited for is seen at most that much late.
func Until(ctx context.Context, what string, fact func(context.Context) (state string, ok bool, err error)) error {
	const least, most = 2 * time.Millisecond, 100 * time.Millisecond
	began, last := time.Now(), "nothing yet"
	for {
		state, ok, err := fact(ctx)
		switch {
		case err == nil && ok:
			return nil
		case err != nil && ctx.Err() == nil:
			last = err.Error()
		case err == nil:
			last = state
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w; last seen: %s", what, context.Cause(ctx), last)
		case <-time.After(min(max(time.Since(began)/20, least), most)):
		}
	}
}
