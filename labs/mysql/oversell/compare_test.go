package oversell

import (
	"testing"

	"faultlab/internal/lab"
)

// Each way in which a sale can go wrong is told from the others.
func TestCompare(t *testing.T) {
	buyer := func(user int64, sold ...int64) *purchase {
		return &purchase{request: request{ID: "r", User: user, Product: 7, Quantity: 1}, sold: sold}
	}
	refused := func(user int64) *purchase {
		b := buyer(user)
		b.refused = 1
		return b
	}
	again := func(user int64, sold ...int64) *purchase {
		b := buyer(user, sold...)
		b.ID = "r2"
		return b
	}
	refusedAgain := func(user int64) *purchase {
		b := again(user)
		b.refused = 1
		return b
	}
	order := func(id, user int64) row { return row{id: id, user: user, product: 7, quantity: 1} }
	for _, c := range []struct {
		name      string
		stock     int // at first
		left      int
		purchases []*purchase
		rows      []row
		want      map[string]float64 // others are 0
	}{
		{"as it must be", 2, 0, []*purchase{buyer(1, 11), buyer(2, 12), refused(3)}, []row{order(11, 1), order(12, 2)}, nil},
		{"one too many", 1, 0, []*purchase{buyer(1, 11), buyer(2, 12)}, []row{order(11, 1), order(12, 2)},
			map[string]float64{"oversold": 1, "stock-wrong": 1}},
		{"bought twice", 3, 1, []*purchase{buyer(1, 11)}, []row{order(11, 1), order(12, 1)}, map[string]float64{"doubled": 1}},
		{"sent away", 2, 1, []*purchase{buyer(1, 11), refused(2)}, []row{order(11, 1)}, map[string]float64{"unsold": 1}},
		{"never written", 2, 1, []*purchase{buyer(1, 11), buyer(2, 12)}, []row{order(11, 1)},
			map[string]float64{"unsold": 1, "wrong-answers": 1}},
		{"has it and was told no", 2, 1, []*purchase{refused(1)}, []row{order(11, 1)}, map[string]float64{"wrong-answers": 1}},
		{"another one", 2, 0, []*purchase{buyer(1, 11), again(1, 12)}, []row{order(11, 1), order(12, 1)}, nil},
		{"another one is taken for the same", 2, 1, []*purchase{buyer(1, 11), again(1, 11)}, []row{order(11, 1)},
			map[string]float64{"unsold": 1, "wrong-answers": 1}},
		{"another one, one of them twice", 3, 0, []*purchase{buyer(1, 11), again(1, 12)}, []row{order(11, 1), order(12, 1), order(13, 1)},
			map[string]float64{"doubled": 1}},
		{"another one, and none was left", 1, 0, []*purchase{buyer(1, 11), refusedAgain(1)}, []row{order(11, 1)}, nil},
		{"taken from stock only", 2, 0, []*purchase{buyer(1, 11)}, []row{order(11, 1)}, map[string]float64{"stock-wrong": 1}},
	} {
		var r lab.Readings
		compare([]*product{{id: 7, stock: c.stock}}, c.purchases, map[int64]int{7: c.left}, c.rows, &r)
		for _, name := range []string{"oversold", "doubled", "stock-wrong", "unsold", "wrong-answers"} {
			got, ok := r.Get(name)
			if !ok || got.Value != c.want[name] {
				t.Errorf("%s: %s is %v, want %v", c.name, name, got.Value, c.want[name])
			}
		}
	}
}
