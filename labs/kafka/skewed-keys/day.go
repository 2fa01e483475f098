package skewedkeys

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

// event is one thing that happened to an order: the body of a record.
type event struct {
	Merchant string `json:"merchant"`
	Order    int    `json:"order"`
	Seq      int    `json:"seq"` // 1 created, 2 paid, 3 shipped, 4 delivered
	Type     string `json:"type"`
	Cents    int    `json:"cents"`
}

var types = [...]string{"created", "paid", "shipped", "delivered"}

// The shape of a day. A wave is some minutes of it; the merchant who sells
// nine tenths of everything changes at noon.
const (
	merchants = 200
	waves     = 12
	perWave   = 5_000
	noon      = waves / 2
	open      = 400 // orders under way at any time
	share     = 0.9 // of the orders, the big merchant's
)

// day is a day's events, in the order in which they happen.
type day struct {
	big    [2]string // the big merchant of the morning and of the afternoon
	events []event
}

// newDay makes a day. Merchants' names and who is big come from the seed, so
// that no name can be known beforehand; famous is left out of them.
func newDay(seed uint64, famous string) *day { //nolint:unparam // who is famous is the story's to say
	rnd := rand.New(rand.NewPCG(seed, 1))
	names := make([]string, 0, merchants)
	for _, n := range rnd.Perm(9000) {
		name := fmt.Sprintf("m-%04d", 1000+n)
		if name != famous {
			names = append(names, name)
		}
		if len(names) == merchants {
			break
		}
	}
	d := &day{big: [2]string{names[0], names[1]}}
	var pool []event
	number := 1_000_000 + rnd.IntN(1_000_000)
	for n := range waves * perWave {
		for len(pool) < open {
			number += 1 + rnd.IntN(3)
			e := event{Merchant: names[rnd.IntN(merchants)], Order: number, Cents: 100 + rnd.IntN(50_000)}
			if rnd.Float64() < share {
				e.Merchant = d.big[n/(noon*perWave)]
			}
			pool = append(pool, e)
		}
		i := rnd.IntN(open)
		pool[i].Type = types[pool[i].Seq]
		pool[i].Seq++
		d.events = append(d.events, pool[i])
		if pool[i].Seq == len(types) {
			pool[i] = pool[open-1]
			pool = pool[:open-1]
		}
	}
	return d
}

// wave returns the events of one wave, from 0 on.
func (d *day) wave(n int) []event { return d.events[n*perWave : (n+1)*perWave] }

// normal says whether a merchant is never big.
func (d *day) normal(merchant string) bool { return merchant != d.big[0] && merchant != d.big[1] }

func (e event) json() []byte {
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return b
}
