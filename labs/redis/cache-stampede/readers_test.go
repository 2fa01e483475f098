package cachestampede

import (
	"testing"
	"time"
)

func TestDensest(t *testing.T) {
	for _, c := range []struct {
		at   []time.Duration // seconds
		want int
	}{
		{nil, 0},
		{[]time.Duration{7}, 1},
		{[]time.Duration{0, 11, 22}, 1},
		{[]time.Duration{0, 5, 10, 11, 12, 21}, 4},
		{[]time.Duration{3, 3, 3}, 3},
	} {
		for i := range c.at {
			c.at[i] *= time.Second
		}
		if got := densest(c.at, 10*time.Second); got != c.want {
			t.Errorf("of %v %d are within ten seconds, want %d", c.at, got, c.want)
		}
	}
}
