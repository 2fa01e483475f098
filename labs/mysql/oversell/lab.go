// Package oversell is the lab mysql/oversell: a flash sale that reads the
// stock, and then writes.
package oversell

import (
	"context"

	"faultlab/internal/lab"
	"faultlab/internal/mysql"
	"faultlab/internal/rig"
)

// Lab is the lab.
var Lab = &lab.Lab{
	Name:    "mysql/oversell",
	Title:   "More pieces sold than there were",
	Level:   lab.Easy,
	Minutes: 30,
	Engines: []string{"mysql"},
	Memory:  600,
	Disk:    500,
	Notes: []lab.Source{
		{File: "004_7543862ffd92f53d.txt", First: 4091, Last: 4131},
		{File: "004_7543862ffd92f53d.txt", First: 3989, Last: 4089},
		{File: "004_7543862ffd92f53d.txt", First: 23987, Last: 23991},
		{File: "004_7543862ffd92f53d.txt", First: 24125, Last: 24141},
	},
	Fix: lab.Program(),
	Checks: []lab.Check{
		lab.Equal("oversold", 0).Symptom().
			Else("pieces were sold that the shop has not got: between a look at the stock and what follows from it, others sell"),
		lab.Equal("doubled", 0).Symptom().
			Else("who pressed the button twice has bought twice"),
		lab.Equal("stock-wrong", 0).
			Else("stock and orders don't add up: one was written without the other"),
		lab.Equal("unsold", 0).
			Else("buyers were sent away although there was stock, or the till gave up on them"),
		lab.Equal("wrong-answers", 0).
			Else("a buyer was told something that is not in the tables"),
		lab.Equal("others-blocked", 0).
			Else("while one product's row is locked, nobody can buy another product"),
	},
	New: func(env lab.Env) lab.Run {
		r := rig.New(env)
		grants := map[string][]string{}
		for _, account := range accounts {
			grants[account] = []string{"SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, LOCK TABLES, CREATE TEMPORARY TABLES ON `shop%`.*"}
		}
		x := &run{env: env, mysql: mysql.New(r, mysql.Config{Grants: grants})}
		return lab.Run{Rig: r, Seed: x.seed, Fingerprint: x.fingerprint, Measure: x.measure, Play: x.play}
	},
}

// accounts are those of the two tills.
var accounts = []string{"till1", "till2"}

type run struct {
	env   lab.Env
	mysql *mysql.Server
	sales int // measured so far
}

// measure runs the variant's two tills through a sale, in a database of its own.
func (x *run) measure(ctx context.Context, v lab.Variant, r *lab.Readings) error {
	s, err := x.open(ctx, v)
	if err != nil {
		return err
	}
	defer s.close()
	for _, step := range []func(context.Context) error{
		s.rush,
		s.lastPiece,
		s.pairs,
		s.doubleClick,
		s.oneTill,
		s.killed,
		s.killedHalfway,
		s.cutOff,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return s.readings(ctx, r)
}

// rush has more buyers than pieces. Meanwhile others want something else.
func (s *sale) rush(ctx context.Context) error {
	p, err := s.product(ctx, 3+s.rnd.IntN(5))
	if err != nil {
		return err
	}
	other, err := s.product(ctx, 50)
	if err != nil {
		return err
	}
	return s.together(ctx, p, s.buyers(p, p.stock+tooMany, 1), s.buyers(other, 2, 1)...)
}

// lastPiece has one piece, which both tills see.
func (s *sale) lastPiece(ctx context.Context) error {
	p, err := s.product(ctx, 1)
	if err != nil {
		return err
	}
	return s.together(ctx, p, s.buyers(p, 1+tooMany, 1))
}

// pairs are sold until one piece is left. Whoever wants a pair is too late, and
// then two come who want one.
func (s *sale) pairs(ctx context.Context) error {
	p, err := s.product(ctx, 5)
	if err != nil {
		return err
	}
	if err := s.together(ctx, p, s.buyers(p, 8, 2)); err != nil {
		return err
	}
	return s.inTurn(ctx, s.buyers(p, 2, 1))
}

// doubleClick has buyers whose app sends each purchase to both tills at once.
func (s *sale) doubleClick(ctx context.Context) error {
	p, err := s.product(ctx, 50)
	if err != nil {
		return err
	}
	all := s.buyers(p, 6, 1)
	for _, b := range all {
		b.twice = true
	}
	return s.together(ctx, p, all)
}

// oneTill has all buyers at one till, one after another, and one of them buys
// twice: if the other till has put a part of the stock aside, that part is for
// sale here, too.
func (s *sale) oneTill(ctx context.Context) error {
	p, err := s.product(ctx, 4)
	if err != nil {
		return err
	}
	all := s.buyers(p, 6, 1)
	for _, b := range all {
		b.till = 1
	}
	all[1].User = all[0].User // wants another one
	return s.inTurn(ctx, all)
}

// killed ends a till while it waits for the product's row.
func (s *sale) killed(ctx context.Context) error {
	p, err := s.product(ctx, 10)
	if err != nil {
		return err
	}
	unlock, err := s.lockRow(ctx, p)
	if err != nil {
		return err
	}
	defer unlock()
	return s.killWhileBuying(ctx, p, unlock)
}

// killedHalfway ends a till that can read orders and can't write them: whatever
// it has written before must be undone.
func (s *sale) killedHalfway(ctx context.Context) error {
	p, err := s.product(ctx, 10)
	if err != nil {
		return err
	}
	unlock, err := s.lockOrders(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return s.killWhileBuying(ctx, p, unlock)
}

// cutOff breaks a till's connection to MySQL at the moment after the statement
// that waited went through: what it says next, a COMMIT mostly, is never heard.
func (s *sale) cutOff(ctx context.Context) error {
	p, err := s.product(ctx, 10)
	if err != nil {
		return err
	}
	unlock, err := s.lockRow(ctx, p)
	if err != nil {
		return err
	}
	defer unlock()
	b := s.buyers(p, 1, 1)
	w := s.send(ctx, b)
	if err := s.await(ctx, w); err != nil {
		return err
	}
	if err := s.breakOff(ctx, w, unlock); err != nil {
		return err
	}
	if err := w.Wait(ctx); err != nil {
		return err
	}
	return s.again(ctx, b)
}
