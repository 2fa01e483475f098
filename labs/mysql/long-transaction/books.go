package longtransaction

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

const (
	cities   = 12
	couriers = 40
	waiting  = 20 // orders in the queue at any time
)

// line is one of a report.
type line struct {
	Kind   string `json:"kind"` // city or courier
	ID     int    `json:"id"`
	Orders int    `json:"orders"`
	Cents  int64  `json:"cents"`
}

// books say what must be in the tables, and in a report, after any number of
// deliveries, without a look at the server.
type books struct {
	shift  int // makes each seed's orders others
	held   int // the courier whose cash is being counted: no order goes to them
	before []line
	booked int64 // what the cashier has taken from them in the end
	change change
}

// change is what a courier is given who has none: cash that no order has brought.
type change struct {
	courier int
	after   int // deliveries
	cents   int64
}

// order is what is ordered as the nth of the evening, and who brings it.
func (b *books) order(n int) (city, courier int, cents int64) {
	city = (n*5+b.shift)%cities + 1
	courier = (n*7+b.shift)%(couriers-1) + 1
	if courier >= b.held {
		courier++
	}
	return city, courier, int64(900 + (n*131+b.shift)%3100)
}

func newBooks(rnd *rand.Rand) *books {
	b := &books{shift: 1 + rnd.IntN(1000), held: 1 + rnd.IntN(couriers)}
	for id := range cities {
		b.before = append(b.before, line{"city", id + 1, 0, 0})
	}
	for id := range couriers {
		b.before = append(b.before, line{"courier", id + 1, 0, 1000 * int64(2+rnd.IntN(8))})
	}
	return b
}

// at is a report of the moment after the kth delivery.
func (b *books) at(k int) []line {
	lines := slices.Clone(b.before)
	for n := range k {
		city, courier, cents := b.order(n + 1)
		for _, l := range []*line{&lines[city-1], &lines[cities+courier-1]} {
			l.Orders++
			l.Cents += cents
		}
	}
	lines[cities+b.held-1].Cents -= b.booked
	if c := b.change; c.cents > 0 && k >= c.after {
		lines[cities+c.courier-1].Cents += c.cents
	}
	return lines
}

// wrong counts the lines that are not those of one moment, from the asked-th
// delivery to the answered-th, and says how they are wrong.
func (b *books) wrong(lines []line, asked, answered int) (n int, how string) {
	var total [2]int
	for _, l := range lines {
		if l.Kind == "city" {
			total[0] += l.Orders
		} else {
			total[1] += l.Orders
		}
	}
	k := total[0]
	if k < asked || k > answered {
		return cities + couriers, fmt.Sprintf("by city, the report counts %d orders; there were %d when it was asked for, and %d when it was printed", k, asked, answered)
	}
	want := b.at(k)
	got := slices.SortedStableFunc(slices.Values(lines), func(a, b line) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	var first string
	for _, w := range want {
		at := slices.IndexFunc(got, func(l line) bool { return l.Kind == w.Kind && l.ID == w.ID })
		var what string
		switch {
		case at < 0:
			what = fmt.Sprintf("%s %d is not in the report", w.Kind, w.ID)
		case got[at] != w:
			what = fmt.Sprintf("%s %d has %d orders and %d cents in the report, and had %d and %d", w.Kind, w.ID, got[at].Orders, got[at].Cents, w.Orders, w.Cents)
		}
		if at >= 0 {
			got = slices.Delete(got, at, at+1)
		}
		if what != "" {
			if n++; n == 1 {
				first = what
			}
		}
	}
	if n += len(got); n > 0 && first == "" {
		first = fmt.Sprintf("%s %d is in it twice, or is nobody's", got[0].Kind, got[0].ID)
	}
	if total[0] != total[1] {
		return n, fmt.Sprintf("the report counts %d orders by city and %d by courier", total[0], total[1])
	}
	return n, first
}
