package implicitcast

import (
	"context"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/mysql"
)

var tables = []string{
	`CREATE TABLE customers (
		id    INT UNSIGNED NOT NULL PRIMARY KEY,
		phone VARCHAR(20)  NOT NULL,  -- 4915112345678; with an extension 493012345678-12
		name  VARCHAR(60)  NOT NULL,
		UNIQUE KEY phone (phone)
	)`,
	`CREATE TABLE orders (
		id          INT UNSIGNED NOT NULL PRIMARY KEY,
		customer_id INT UNSIGNED NOT NULL,
		cents       INT UNSIGNED NOT NULL,
		created     DATETIME(3)  NOT NULL,
		KEY created (created)
	)`,
}

const (
	people = 200_000
	sold   = 300_000 // orders
	days   = 365
	sale   = 20_000 // orders of the one day on which all is cheap
)

var opened = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

func day(n int) time.Time { return opened.AddDate(0, 0, n) }

// customer and order are rows.
type customer struct {
	id    int
	phone string
	name  string
}

type order struct {
	id, customer, cents int
	created             time.Time
}

func (c customer) digest() uint32 {
	return crc32.ChecksumIEEE(fmt.Appendf(nil, "%d|%s|%s", c.id, c.phone, c.name))
}

func (o order) digest() uint32 {
	return crc32.ChecksumIEEE(fmt.Appendf(nil, "%d|%d|%d|%s", o.id, o.customer, o.cents, o.created.Format("2006-01-02 15:04:05.000000")))
}

// calendar is the days that are asked for. Which they are depends on the seed;
// the brief names none of them.
type calendar struct {
	busy   int // the sale
	plain  int // with orders in its first moment, in its last second, and in the first moment after it
	closed int // no orders
}

func pick(seed uint64) calendar {
	r := rand.New(rand.NewPCG(seed, 1))
	return calendar{busy: 300 + r.IntN(30), plain: 30 + r.IntN(100), closed: 200 + r.IntN(50)}
}

// phone is the number of the n-th customer: of its own for each, 10 to 15 digits.
func phone(n int) string {
	number := fmt.Sprintf("%d%07d", []int{4930, 49151, 4917612, 43664, 41791234, 442079}[n%6], (n*7919)%10_000_000)
	return number
}

// name makes a name of two words.
func name(r *rand.Rand) string {
	first := []string{"Ada", "Bruno", "Clara", "Dario", "Edda", "Femi", "Greta", "Hiro", "Ines", "Jonas"}
	last := []string{"Abel", "Brandt", "Costa", "Duarte", "Eklund", "Fischer", "Garcia", "Horvat", "Ito", "Jansen"}
	return fmt.Sprintf("%s %s-%d", first[r.IntN(len(first))], last[r.IntN(len(last))], r.IntN(1000))
}

// registered is all customers. Of every company, each 50th, a clerk with an
// extension is a customer, too, and was one before the company.
func registered(seed uint64) []customer {
	r := rand.New(rand.NewPCG(seed, 2))
	all := make([]customer, people)
	for n := range all {
		c := customer{id: 1000 + n, phone: phone(n), name: name(r)}
		if company := n + 1; company < people && company%50 == 0 {
			c.phone = fmt.Sprintf("%s-%d", phone(company), 10+r.IntN(90))
		}
		all[n] = c
	}
	return all
}

// placed is all orders of the year.
func placed(seed uint64) []order {
	r := rand.New(rand.NewPCG(seed, 3))
	c := pick(seed)
	all := make([]order, 0, sold)
	add := func(at time.Time) {
		all = append(all, order{id: 1 + len(all), customer: 1000 + r.IntN(people), cents: 100 + r.IntN(50_000), created: at})
	}
	for n := range days {
		if n == c.closed {
			continue
		}
		count := (sold - sale) / days
		if n == c.busy {
			count = sale
		}
		for i := range count {
			// Midnight belongs to the next day: keep clear of it, but where it is meant.
			at := time.Minute + time.Duration(i)*(24*time.Hour-2*time.Minute)/time.Duration(count)
			add(day(n).Add(at.Truncate(time.Millisecond)))
		}
		if n == c.plain {
			add(day(n))
			add(day(n + 1).Add(-time.Second))
			add(day(n + 1).Add(-500 * time.Millisecond))
			add(day(n + 1))
		}
	}
	return all
}

func (s *shop) seed(ctx context.Context) error {
	if err := s.db.Exec(ctx, tables...); err != nil {
		return err
	}
	s.know()
	_, err := s.db.Load(ctx, "customers", "id, phone, name", func(w *mysql.Rows) {
		for _, c := range s.customers {
			w.Add(c.id, c.phone, c.name)
		}
	})
	if err != nil {
		return err
	}
	_, err = s.db.Load(ctx, "orders", "id, customer_id, cents, created", func(w *mysql.Rows) {
		for _, o := range s.orders {
			w.Add(o.id, o.customer, o.cents, o.created)
		}
	})
	return err
}

func (s *shop) fingerprint(ctx context.Context) (lab.Fingerprint, error) {
	var r lab.Readings
	if err := s.audit(ctx, nil, &r); err != nil {
		return nil, err
	}
	if x, _ := r.Get("tables-changed"); x.Value > 0 {
		return nil, fmt.Errorf("%v tables are not as they were loaded", x.Value)
	}
	return lab.Fingerprint{"customers": fmt.Sprint(len(s.customers)), "orders": fmt.Sprint(len(s.orders))}, nil
}
