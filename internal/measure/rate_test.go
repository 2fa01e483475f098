package measure

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A rate is over the time that has really passed: a sampler that comes late on
// a busy machine sees no peak.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1050*time.Millisecond)
		defer cancel()
		began, calls := time.Now(), 0
		count := func() int {
			if calls++; calls == 5 {
				time.Sleep(250 * time.Millisecond)
			}
			return int(time.Since(began) / time.Millisecond) // 1,000 a second
		}
		var got []float64
		if err := Rate(ctx, 100*time.Millisecond, count, func(v float64) { got = append(got, v) }); err != nil {
			t.Fatal(err)
		}
		if len(got) < 7 || slices.Min(got) < 999 || slices.Max(got) > 1001 {
			t.Errorf("rates %v", got)
		}
	})
}
