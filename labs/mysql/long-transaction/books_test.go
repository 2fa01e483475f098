package longtransaction

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A report of one moment is right, and what is not one moment's is seen.
func TestWrong(t *testing.T) {
	b := newBooks(rand.New(rand.NewPCG(1, 2)))
	const asked, now = 500, 600
	at := func(k int) []line { return b.at(k) }
	for _, c := range []struct {
		name  string
		lines []line
		wrong int
		how   string
	}{
		{"when it was asked for", at(asked), 0, ""},
		{"when it was printed", at(now), 0, ""},
		{"in another order", slices.Concat(at(550)[cities:], at(550)[:cities]), 0, ""},
		{"before it was asked for", at(asked - 1), cities + couriers, "there were 500 when it was asked for"},
		{"later than now", at(now + 1), cities + couriers, "600 when it was printed"},
		{"two moments", slices.Concat(at(550)[:cities], at(551)[cities:]), 1, "550 orders by city and 551 by courier"},
		{"two more", slices.Concat(at(550)[:cities], at(552)[cities:]), 2, "550 orders by city and 552 by courier"},
		{"a line is missing", at(550)[:cities+couriers-1], 1, "550 orders by city and"},
		{"a line is twice", slices.Concat(at(550), at(550)[cities:cities+1]), 1, "550 orders by city and"},
		{"nothing", nil, cities + couriers, "counts 0 orders"},
	} {
		n, how := b.wrong(c.lines, asked, now)
		if n != c.wrong || !strings.Contains(how, c.how) || how == "" && n > 0 {
			t.Errorf("%s: %d lines are wrong: %s; not %d: %s", c.name, n, how, c.wrong, c.how)
		}
	}
	// A courier who was given change has it from then on.
	given := *b
	given.change = change{b.held%couriers + 1, 560, 700}
	for k, want := range map[int]int{559: 0, 560: 1, now: 1} {
		if n, how := given.wrong(at(k), asked, now); n != want {
			t.Errorf("change, after %d: %d lines are wrong: %s; not %d", k, n, how, want)
		}
		if n, how := given.wrong(given.at(k), asked, now); n != 0 {
			t.Errorf("change, after %d: %d lines are wrong: %s", k, n, how)
		}
	}
	// What the cashier has taken and not booked is in no report.
	dirty := at(550)
	dirty[cities+b.held-1].Cents -= 500
	if n, how := b.wrong(dirty, asked, now); n != 1 {
		t.Errorf("uncommitted: %d lines are wrong: %s", n, how)
	}
}

// The courier whose cash is counted gets no orders, and all others and all
// cities do.
func TestOrders(t *testing.T) {
	b := newBooks(rand.New(rand.NewPCG(3, 4)))
	for i, l := range b.at(first) {
		idle := i >= cities && l.ID == b.held
		if idle != (l.Orders == 0) {
			t.Errorf("%s %d has %d orders", l.Kind, l.ID, l.Orders)
		}
	}
}
