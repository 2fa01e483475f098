package unindexedupdate

import (
	"maps"
	"testing"
	"time"

	"faultlab/internal/lab"
)

// Each way in which carts can go wrong is told from the others.
func TestCompare(t *testing.T) {
	then, now := today.AddDate(0, 0, -1), today
	// One is due, one is in use, and somebody has put a piece more into a third.
	due := &cart{id: 1, user: 10, state: "open", touched: then, lines: map[int64]int{7: 1}, due: 1}
	used := &cart{id: 2, user: 20, state: "open", touched: now, lines: map[int64]int{7: 2}}
	filled := &cart{id: 3, user: 30, state: "abandoned", touched: then, lines: map[int64]int{7: 3}}
	later := now.Add(time.Second)
	for _, c := range []struct {
		name   string
		status int // of the put
		change func(tables)
		want   map[string]float64 // others are 0
	}{
		{"as it must be", 200, func(tables) {}, nil},
		{"not marked", 200, func(t tables) { t.carts[1] = cart{id: 1, user: 10, state: "open", touched: then} }, map[string]float64{"carts-wrong": 1}},
		{"marked in use", 200, func(t tables) { t.carts[2] = cart{id: 2, user: 20, state: "abandoned", touched: now} }, map[string]float64{"carts-wrong": 1}},
		{"put, and not open", 200, func(t tables) { t.carts[3] = cart{id: 3, user: 30, state: "abandoned", touched: then} }, map[string]float64{"carts-wrong": 1}},
		{"gone", 200, func(t tables) { delete(t.carts, 2); delete(t.lines, line{2, 7}) }, map[string]float64{"carts-wrong": 1, "lines-wrong": 1}},
		{"more carts", 200, func(t tables) { t.carts[9] = cart{id: 9} }, map[string]float64{"carts-wrong": 1}},
		{"not there", 200, func(t tables) { t.lines[line{3, 7}] = 3 }, map[string]float64{"lines-wrong": 1}},
		{"more there", 200, func(t tables) { t.lines[line{2, 8}] = 1 }, map[string]float64{"lines-wrong": 1}},
		{"refused", 500, func(tables) {}, map[string]float64{"puts-failed": 1}},
		{"killed, and not there", 0, func(t tables) {
			t.lines[line{3, 7}], t.carts[3] = 3, cart{id: 3, user: 30, state: "abandoned", touched: then}
		}, nil},
		{"not reminded", 200, func(t tables) { delete(t.reminders, 1) }, map[string]float64{"reminders-wrong": 1}},
		{"reminded in use", 200, func(t tables) { t.reminders[2] = []reminder{{20, now}} }, map[string]float64{"reminders-wrong": 1}},
		{"reminded twice", 200, func(t tables) { t.reminders[1] = append(t.reminders[1], reminder{10, now}) }, map[string]float64{"reminders-wrong": 1}},
	} {
		is := tables{
			carts: map[int64]cart{
				1: {id: 1, user: 10, state: "abandoned", touched: then},
				2: {id: 2, user: 20, state: "open", touched: now},
				3: {id: 3, user: 30, state: "open", touched: later},
			},
			lines:     map[line]int{{1, 7}: 1, {2, 7}: 2, {3, 7}: 4},
			reminders: map[int64][]reminder{1: {{10, then}}},
		}
		c.change(is)
		var r lab.Readings
		compare([]*cart{due, used, filled}, []*put{{cart: filled, product: 7, at: later, status: c.status}}, is, &r)
		got := map[string]float64{}
		for _, reading := range r.All() {
			if reading.Value != 0 {
				got[reading.Name] = reading.Value
			}
		}
		if !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
