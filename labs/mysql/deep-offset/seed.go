package deepoffset

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"faultlab/internal/mysql"
)

const table = `CREATE TABLE orders (
	id      BIGINT UNSIGNED NOT NULL PRIMARY KEY,  -- given when an order arrives
	created DATETIME        NOT NULL,              -- when the customer placed it
	user_id INT UNSIGNED    NOT NULL,
	status  ENUM('new', 'shipped', 'returned') NOT NULL,
	cents   INT UNSIGNED    NOT NULL,
	items   VARCHAR(1000)   NOT NULL,
	KEY created (created)
)`

const columns = "id, created, user_id, status, cents, items"

const (
	past    = 200_000
	firstID = 7_400_000_000
	perFile = 60 // orders of a marketplace that come in one file, with one time
)

var (
	opened = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	now    = opened.Add(past * pace)
)

const pace = 150 * time.Second // between two orders

// order is a row of the table.
type order struct {
	id      uint64
	created int64 // Unix seconds
	user    int
	status  string
	cents   int
}

// newer is the list's order: latest first, of one moment the higher id first.
func newer(a, b order) int {
	return cmp.Or(cmp.Compare(b.created, a.created), cmp.Compare(b.id, a.id))
}

// items is what was ordered, some 500 bytes of it.
func (o order) items() string {
	var b strings.Builder
	for n := range 9 + o.id%7 {
		fmt.Fprintf(&b, "%d x shelf of oak, %d cm, no. %06d; ", 1+n%3, 40+10*(o.id%13), o.id*(n+7)%1_000_000)
	}
	return b.String()
}

// history is all orders of the past as the list shows them. A third of them come
// from marketplaces: a file of orders that have one time, an hour or more after
// it, so that ids do not rise with it.
func history(seed uint64) []order {
	r := rand.New(rand.NewPCG(seed, 1))
	type arrival struct {
		order
		at time.Time
	}
	all := make([]arrival, 0, past)
	for len(all) < past {
		n, late := 1, time.Duration(0)
		created := opened.Add(time.Duration(len(all)) * pace)
		if r.IntN(120) == 0 {
			n, late = perFile, time.Hour+time.Duration(r.IntN(7200))*time.Second
		}
		for range min(n, past-len(all)) {
			all = append(all, arrival{
				order: order{created: created.Unix(), user: 10_000 + r.IntN(50_000), status: "shipped", cents: 100 + r.IntN(100_000)},
				at:    created.Add(late + time.Duration(r.IntN(30))*time.Second),
			})
		}
	}
	slices.SortStableFunc(all, func(a, b arrival) int { return a.at.Compare(b.at) })
	list := make([]order, past)
	for i, a := range all {
		list[i] = a.order
		list[i].id = uint64(firstID + 7*i + r.IntN(7))
	}
	slices.SortFunc(list, newer)
	return list
}

// load fills the table in the order in which it is stored.
func load(list []order) func(*mysql.Rows) {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b order) int { return cmp.Compare(a.id, b.id) })
	return func(w *mysql.Rows) {
		for _, o := range list {
			w.Add(o.id, time.Unix(o.created, 0), o.user, o.status, o.cents, o.items())
		}
	}
}
