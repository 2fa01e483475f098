package slowquery

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"time"

	"faultlab/internal/mysql"
)

const table = `CREATE TABLE orders (
	id          BIGINT UNSIGNED NOT NULL PRIMARY KEY,  -- made by the service, rises with time
	user_id     INT UNSIGNED    NOT NULL,
	status      ENUM('new', 'paid', 'shipped') NOT NULL,
	amount      DECIMAL(10,2)   NOT NULL,
	create_time DATETIME(3)     NOT NULL,
	address     VARCHAR(100)    NOT NULL
)`

const (
	past     = 1_000_000 // orders before the pager went off
	firstID  = 7_400_000_000_000_000
	freshID  = firstID + 10*past // ids of orders that the writers add
	reseller = 9001              // the one that the brief names: 15 % of all orders
)

// The shop's year of orders, and the moment at which it ends.
var (
	opened = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	now    = opened.Add(past * pace)
)

const pace = 26 * time.Second // between two orders

// order is a row of the table.
type order struct {
	id     uint64
	user   int
	status string
	cents  int64
	made   int64 // create_time, Unix milliseconds
}

// users are those whose pages are measured. Which numbers they have depends
// on the seed; the brief names none of them.
type users struct {
	big     int // another reseller: 12 %
	regular int // a company: 0.3 %
	small   int // like nearly all: about 15 orders
	newborn int // none before the writers add some
	nobody  int // none at all
}

func pick(seed uint64) users {
	r := rand.New(rand.NewPCG(seed, 1))
	return users{
		big:     9100 + r.IntN(800),
		regular: 9002 + r.IntN(90),
		small:   10_000 + r.IntN(50_000),
		newborn: 70_000 + r.IntN(1000),
		nobody:  80_000 + r.IntN(1000),
	}
}

// history is all orders of the past. The same seed makes the same ones, so the
// truth never has to be asked of the server.
func history(seed uint64) []order {
	r := rand.New(rand.NewPCG(seed, 2))
	u := pick(seed)
	all := make([]order, past)
	for n := range all {
		o := order{id: uint64(firstID + 7*n + r.IntN(7)), status: "shipped", cents: 100 + r.Int64N(100_000)}
		at := opened.Add(time.Duration(n)*pace + time.Duration(r.IntN(3_600_000))*time.Millisecond)
		switch p := r.IntN(1000); {
		case p < 150:
			o.user = reseller
		case p < 270:
			o.user = u.big
		case p < 273:
			o.user = u.regular
		default:
			o.user = 10_000 + r.IntN(50_000)
		}
		if o.user == reseller || o.user == u.big {
			// Resellers send a file every five minutes: many orders have one time.
			at = at.Truncate(5 * time.Minute)
		}
		o.made = at.UnixMilli()
		if n > past-20_000 && r.IntN(2) == 0 {
			o.status = "new"
		}
		all[n] = o
	}
	return all
}

func (o order) address() string {
	return fmt.Sprintf("%d Harbour Street, %05d Lower Newtown", o.id%997, o.id%99_991)
}

// digest is what the query in audit makes of the same row.
func (o order) digest() uint32 {
	return crc32.ChecksumIEEE(fmt.Appendf(nil, "%d|%s|%d|%d|%s", o.user, o.status, o.cents, o.made, o.address()))
}

func load(all []order) func(*mysql.Rows) {
	return func(w *mysql.Rows) {
		for _, o := range all {
			w.Add(o.id, o.user, o.status, mysql.Cents(o.cents), time.UnixMilli(o.made), o.address())
		}
	}
}
