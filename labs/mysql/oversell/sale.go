package oversell

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/mysql"
	"faultlab/internal/rig"
)

//go:embed schema.sql
var schema string

// tooMany is how many buyers more than pieces come in the rush.
const tooMany = 11

// How long tills that should do something may do nothing. What is right takes
// milliseconds; only wrong ones are waited for.
const (
	patience = 10 * time.Second
	quiet    = 2 * time.Second // the same, once some have got where they must
)

// sale is two tills and a database of their own.
type sale struct {
	*run
	database string
	program  *fix.Program
	tills    [2]*fix.Service
	dead     atomic.Pointer[fix.Service] // the till that was killed last
	way      *rig.Proxy                  // of the first till to MySQL
	starts   int

	rnd       *rand.Rand
	products  []*product
	purchases []*purchase
	next      int64 // user
	onSale    int   // products that were put on sale so far
	blocked   int   // buyers of other products who waited for a locked row
	blockedAt string
	before    mysql.Status
}

// product is what there was to sell of it.
type product struct {
	id    int64
	stock int
}

func (x *run) open(ctx context.Context, v lab.Variant) (*sale, error) {
	x.sales++
	s := &sale{run: x, database: fmt.Sprintf("shop_%d", x.sales), rnd: rand.New(rand.NewPCG(x.env.Seed, uint64(x.sales)))}
	s.next = 100_000 + s.rnd.Int64N(800_000)
	// All of a sale's products are there when the tills start.
	first := 1000 + s.rnd.Int64N(8000)
	for i := range 10 {
		s.products = append(s.products, &product{id: first + 7*int64(i)})
	}
	var err error
	if s.program, err = fix.Build(ctx, v, x.env.Scratch); err != nil {
		return nil, err
	}
	if err := x.create(ctx, s.database, s.products); err != nil {
		return nil, err
	}
	if s.before, err = s.count(ctx); err != nil {
		return nil, err
	}
	if s.way, err = x.mysql.Proxy(ctx); err != nil {
		return nil, err
	}
	for n := range s.tills {
		if err := s.start(ctx, n); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// create makes a database with products and no orders.
func (x *run) create(ctx context.Context, database string, products []*product) error {
	var statements []string
	for _, each := range fix.Statements(schema) {
		statements = append(statements, each.Text)
	}
	for _, p := range products {
		statements = append(statements, fmt.Sprintf("INSERT INTO products VALUES (%d, 'Bargain %[1]d', %d)", p.id, p.stock))
	}
	return x.mysql.NewDatabase(ctx, database, statements...)
}

func (s *sale) close() {
	for _, t := range s.tills {
		if t != nil {
			t.Kill()
		}
	}
}

func (s *sale) start(ctx context.Context, n int) (err error) {
	s.starts++
	dsn := s.mysql.DSNIn(accounts[n], s.database)
	if n == 0 {
		dsn = s.mysql.DSNThrough(s.way, accounts[n], s.database)
	}
	s.tills[n], err = s.program.Listen(ctx, fix.Options{
		Log: filepath.Join(s.env.Scratch, fmt.Sprintf("%s-%s-%d.log", s.database, accounts[n], s.starts)),
		Env: map[string]string{"LAB_MYSQL_DSN": dsn},
	})
	return err
}

// kill ends a till as a dying machine does: MySQL rolls back what it had not committed.
func (s *sale) kill(ctx context.Context, n int) error {
	s.dead.Store(s.tills[n])
	s.tills[n].Kill()
	return s.mysql.Drop(ctx, accounts[n])
}

// breakOff lets go what the first till waits for, and breaks its connections
// when it says more, or has answered its only buyer.
func (s *sale) breakOff(ctx context.Context, w *wave, unlock func()) error {
	s.way.Mute()
	defer s.way.Heal()
	unlock()
	err := measure.Until(ctx, "the till goes on", func(context.Context) (string, bool, error) {
		held, answered := s.way.Held(), w.Ended()
		return fmt.Sprintf("it has sent %d bytes and answered %d", held, answered), held > 0 || answered > 0, nil
	})
	if err != nil {
		return err
	}
	s.way.Reset()
	return s.mysql.Drop(ctx, accounts[0])
}

// product puts so many pieces on sale of one that nobody could buy before.
func (s *sale) product(ctx context.Context, stock int) (*product, error) {
	p := s.products[s.onSale]
	s.onSale++
	p.stock = stock
	_, err := s.mysql.Admin().ExecContext(ctx, fmt.Sprintf("UPDATE %s.products SET stock = %d WHERE id = %d", s.database, p.stock, p.id))
	return p, s.theirs(err)
}

// lockRow keeps everybody from writing a product's row until unlock, which may
// be called twice; reading it without a lock goes on.
func (s *sale) lockRow(ctx context.Context, p *product) (unlock func(), err error) {
	return s.hold(ctx, "COMMIT", "BEGIN", fmt.Sprintf("SELECT stock FROM %s.products WHERE id = %d FOR UPDATE", s.database, p.id))
}

// lockOrders keeps everybody from writing orders; reading them goes on. A till
// that looks there before it takes from the stock is not stopped before.
func (s *sale) lockOrders(ctx context.Context) (unlock func(), err error) {
	return s.hold(ctx, "UNLOCK TABLES", "SET SESSION lock_wait_timeout = 10", "LOCK TABLES "+s.database+".orders READ")
}

// hold locks something on a connection of its own.
func (s *sale) hold(ctx context.Context, free string, statements ...string) (unlock func(), err error) {
	unlock, err = s.mysql.Hold(ctx, free, statements...)
	return unlock, s.theirs(err)
}

// killWhileBuying has a buyer at the first till, kills that till when it waits
// for what is locked, and lets the buyer try again at the other.
func (s *sale) killWhileBuying(ctx context.Context, p *product, unlock func()) error {
	b := s.buyers(p, 1, 1)
	w := s.send(ctx, b)
	if err := s.await(ctx, w); err != nil {
		return err
	}
	if err := s.kill(ctx, 0); err != nil {
		return err
	}
	unlock()
	if err := w.Wait(ctx); err != nil {
		return err
	}
	if err := s.again(ctx, b); err != nil {
		return err
	}
	return s.start(ctx, 0)
}

// await waits until all of a wave wait in MySQL for what is locked, or are
// answered. A till that lets only some of them get there is not waited for
// when no more come.
func (s *sale) await(ctx context.Context, w *wave) error {
	last, since := [3]int{}, time.Now()
	return measure.Until(ctx, "all buyers wait for what is locked", func(ctx context.Context) (string, bool, error) {
		now := [3]int{2: w.Ended()}
		for n, account := range accounts {
			var err error
			if now[n], err = s.mysql.Waiting(ctx, account); err != nil {
				return "", false, err
			}
		}
		if now != last {
			last, since = now, time.Now()
		}
		enough := quiet
		for n := range s.tills {
			if now[n] == 0 && w.at[n] > 0 {
				enough = patience
			}
		}
		state := fmt.Sprintf("of %d buyers %d and %d wait, %d are answered", w.Size, now[0], now[1], now[2])
		return state, now[0]+now[1]+now[2] >= w.Size || time.Since(since) > enough, nil
	})
}

// together has all of them buy at once: each till has read what it wants to
// read without a lock before anybody may write. Meanwhile others want something
// else. Then everybody asks again at the other till.
func (s *sale) together(ctx context.Context, p *product, all []*purchase, others ...*purchase) error {
	unlock, err := s.lockRow(ctx, p)
	if err != nil {
		return err
	}
	defer unlock()
	waiting := s.send(ctx, all)
	if err := s.await(ctx, waiting); err != nil {
		return err
	}
	elsewhere := s.send(ctx, others)
	late, err := elsewhere.Within(ctx, patience)
	if err != nil {
		return err
	}
	if s.blocked += late; late > 0 {
		var waiting int
		for _, account := range accounts {
			n, err := s.mysql.Waiting(ctx, account)
			if err != nil {
				return err
			}
			waiting += n
		}
		s.blockedAt = fmt.Sprintf("%d buyers of product %d had no answer while the row of product %d was locked; in MySQL %d of all the tills' connections waited",
			late, others[0].Product, p.id, waiting)
	}
	unlock()
	for _, w := range []*wave{waiting, elsewhere} {
		if err := w.Wait(ctx); err != nil {
			return err
		}
	}
	return s.again(ctx, slices.Concat(all, others))
}

// inTurn has them buy one after another, and then ask again at the other till.
func (s *sale) inTurn(ctx context.Context, all []*purchase) error {
	for _, b := range all {
		if err := s.buy(ctx, b, b.till); err != nil {
			return err
		}
	}
	return s.again(ctx, all)
}

// again is what an app does whose answer got lost: each asks once more, at the
// other till. Who was told "sold out" has gone.
func (s *sale) again(ctx context.Context, all []*purchase) error {
	for _, b := range all {
		if b.refused > 0 && len(b.sold) == 0 {
			continue
		}
		if err := s.buy(ctx, b, 1-b.till); err != nil {
			return err
		}
	}
	return nil
}

// theirs blames the tills for what an account that may do everything could not do.
func (s *sale) theirs(err error) error {
	var refused *driver.MySQLError
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Number {
	case 1205: // lock wait timeout
		return lab.Blame("others-blocked", fmt.Errorf("a till keeps something locked while nobody buys: %w", err))
	case 1049, 1054, 1146: // no such database, column, table
		return lab.Blame("stock-wrong", fmt.Errorf("the tables are not what they were: %w", err))
	case 3819: // check constraint
		return lab.Blame("stock-wrong", fmt.Errorf("the shop can't put products on sale any more: %w", err))
	}
	return err
}
