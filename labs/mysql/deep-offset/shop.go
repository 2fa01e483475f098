package deepoffset

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/mysql"
)

const (
	account = "orders" // of the program
	size    = 10       // orders on a page
)

// shop is what goes on in the table meanwhile, and what is in it for certain.
type shop struct {
	env  lab.Env
	db   *mysql.Server
	rnd  *rand.Rand
	list []order // as it is stored, newest first
	made int     // orders that came since the seed
}

func (s *shop) know() {
	if s.list == nil {
		s.rnd = rand.New(rand.NewPCG(s.env.Seed, 2))
		s.list = history(s.env.Seed)
	}
}

// newID is what the next order will have: ids rise as orders arrive.
func (s *shop) newID() uint64 { return uint64(firstID + 7*(past+s.made)) }

// pages is how many pages the list has.
func (s *shop) pages() int { return (len(s.list) + size - 1) / size }

// find is the place of an order in the list, or where it would be.
func (s *shop) find(o order) (at int, there bool) { return slices.BinarySearchFunc(s.list, o, newer) }

// place stores an order of that time.
func (s *shop) place(ctx context.Context, created int64) error {
	o := order{id: s.newID(), created: created, user: 10_000 + s.rnd.IntN(50_000), status: "new", cents: 100 + s.rnd.IntN(100_000)}
	s.made++
	at, _ := s.find(o)
	s.list = slices.Insert(s.list, at, o)
	return s.exec(ctx, "INSERT INTO orders ("+columns+") VALUES (?, ?, ?, ?, ?, ?)",
		o.id, time.Unix(o.created, 0).UTC(), o.user, o.status, o.cents, o.items())
}

// latest is when the next order is placed.
func (s *shop) latest() int64 { return now.Add(time.Hour + time.Duration(s.made)*time.Minute).Unix() }

// erase removes an order as its customer demands.
func (s *shop) erase(ctx context.Context, at int) error {
	id := s.list[at].id
	s.list = slices.Delete(s.list, at, at+1)
	return s.exec(ctx, "DELETE FROM orders WHERE id = ?", id)
}

// takeBack marks an order as returned.
func (s *shop) takeBack(ctx context.Context, at int) error {
	s.list[at].status = "returned"
	return s.exec(ctx, "UPDATE orders SET status = 'returned' WHERE id = ?", s.list[at].id)
}

func (s *shop) exec(ctx context.Context, text string, args ...any) error {
	_, err := s.db.Admin().ExecContext(ctx, text, args...)
	if mysql.Refused(err) { // nobody but the program could hold a lock
		return lab.Blame(lab.ApplyCheck, fmt.Errorf("the shop could not write to the table: %w", err))
	}
	return err
}

// goOn is what happens to the list while somebody looks at a page of it; last
// is the order that this page ends with. By turns orders come and go.
func (s *shop) goOn(ctx context.Context, turn int, last order) error {
	at, _ := s.find(last)
	ahead := func(n int) int { return min(at+n, len(s.list)-1) }
	if turn%2 == 0 {
		// One comes late from a marketplace, in the midst of the next page.
		if err := s.place(ctx, s.list[ahead(5)].created); err != nil {
			return err
		}
		for range 3 {
			if err := s.place(ctx, s.latest()); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.takeBack(ctx, ahead(3)); err != nil {
		return err
	}
	for range 3 { // the last one that was shown, and two before it
		if err := s.erase(ctx, at); err != nil {
			return err
		}
		at = max(0, at-1-s.rnd.IntN(3))
	}
	return nil
}
