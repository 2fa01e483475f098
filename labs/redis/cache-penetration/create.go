package cachepenetration

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"faultlab/internal/measure"
)

// life is how long a marker may live, as the notes have it.
const life = 5 * time.Minute

// comeBack creates products under ids that both instances were asked for in vain
// just now, also below and above all that there are. Both know them at once.
func (d *day) comeBack(ctx context.Context) error {
	var all []product
	for range 8 {
		all = append(all, d.revive(), d.product(d.id()))
	}
	all = append(all, d.product(lowest-1-d.rnd.Int64N(edge)), d.product(highest+1+d.rnd.Int64N(edge)))
	for n, p := range all {
		for i := range d.nodes {
			if err := d.misses(ctx, i, p.ID); err != nil {
				return err
			}
		}
		at := n % len(d.nodes)
		if done, err := d.post(ctx, at, p); err != nil || !done {
			return err
		}
		for _, i := range []int{1 - at, at} {
			if err := d.finds(ctx, i, p, "created-unseen", fmt.Sprintf("just created by instance %d", at+1)); err != nil {
				return err
			}
		}
	}
	return nil
}

// both wants both instances to find what was created.
func (d *day) both(ctx context.Context, created bool, p product, when string) error {
	if !created {
		return nil
	}
	for i := range d.nodes {
		if err := d.finds(ctx, i, p, "created-unseen", when); err != nil {
			return err
		}
	}
	return nil
}

// underWay creates a product while the other instance answers a GET for it: MySQL
// has told that instance that there is none, and Redis hears what it makes of
// that after the product was created.
func (d *day) underWay(ctx context.Context) error {
	for n := range 4 {
		i, p := n%2, d.product(d.id())
		reader := d.nodes[i]
		reader.mysql.Before(first(reader.redis.Mute))
		get := measure.Send(1, func(int) error { return d.either(ctx, i, p) })
		err := measure.Soon(ctx, patience, "the instance wants to tell Redis what MySQL has told it", func() bool {
			return get.Ended() > 0 || reader.redis.Held() > 0
		})
		if err != nil {
			return err
		}
		var done bool
		put := measure.Send(1, func(int) (err error) { done, err = d.post(ctx, 1-i, p); return err })
		if _, err := put.Within(ctx, moment); err != nil {
			return err
		}
		reader.mysql.Before(nil)
		reader.redis.Heal()
		for _, w := range []*measure.Wave{get, put} {
			if err := w.Wait(ctx); err != nil {
				return err
			}
		}
		if err := d.both(ctx, done, p, "created while the other instance answered a GET for it"); err != nil {
			return err
		}
	}
	return nil
}

// inBetween asks the other instance for a product before each thing that its
// creator asks of a server.
func (d *day) inBetween(ctx context.Context) error {
	for n, p := range []product{d.revive(), d.product(d.id()), d.revive(), d.product(d.id())} {
		creator := n % 2
		between := &meanwhile{ctx: ctx, do: func(ctx context.Context) error { return d.either(ctx, 1-creator, p) }}
		c := d.nodes[creator]
		c.redis.Before(between.piece)
		c.mysql.Before(between.piece)
		done, err := d.post(ctx, creator, p)
		c.redis.Before(nil)
		c.mysql.Before(nil)
		if err := between.end(ctx, err); err != nil {
			return err
		}
		if err := d.both(ctx, done, p, "for which the other instance was asked while it was created"); err != nil {
			return err
		}
	}
	return nil
}

// deaf creates a product while the other instance hears nothing from Redis: what
// it can say then, it says from memory.
func (d *day) deaf(ctx context.Context) error {
	const silence = 300 * time.Millisecond
	for n := range 2 {
		i, p := n%2, d.revive()
		reader := d.nodes[i]
		if err := d.misses(ctx, i, p.ID); err != nil {
			return err
		}
		reader.redis.Cut()
		var done bool
		put := measure.Send(1, func(int) (err error) { done, err = d.post(ctx, 1-i, p); return err })
		late, err := put.Within(ctx, moment)
		if err != nil {
			return err
		}
		get := measure.Send(1, func(int) error {
			if late > 0 { // the creator waits for the other
				return d.either(ctx, i, p)
			}
			if !done {
				return nil
			}
			return d.findsOrFails(ctx, i, p, "created-unseen", "just created by the other instance")
		})
		if _, err := get.Within(ctx, silence); err != nil {
			return err
		}
		reader.redis.Heal()
		for _, w := range []*measure.Wave{put, get} {
			if err := w.Wait(ctx); err != nil {
				return err
			}
		}
		if err := d.both(ctx, done, p, "just created"); err != nil {
			return err
		}
	}
	return nil
}

// killedAfter kills an instance when its INSERT has gone through, and Redis does
// not hear anything of it any more. Five minutes later the other one must know
// what is in the table.
func (d *day) killedAfter(ctx context.Context) error {
	p, c := d.revive(), d.nodes[1]
	if err := d.misses(ctx, 0, p.ID); err != nil {
		return err
	}
	c.mysql.Before(first(c.redis.Mute))
	return d.killedWhileCreating(ctx, p, func() bool { return c.redis.Held() > 0 })
}

// killedBefore kills an instance before its INSERT, or before the COMMIT if that
// is in a transaction: there is no such product.
func (d *day) killedBefore(ctx context.Context) error {
	p, c := d.revive(), d.nodes[1]
	var stopped atomic.Bool
	last := "INSERT"
	c.mysql.Before(func(sent []byte) {
		said := strings.ToUpper(string(sent))
		if strings.Contains(said, "START TRANSACTION") || strings.Contains(said, "BEGIN") {
			last = "COMMIT"
		}
		if strings.Contains(said, last) && !stopped.Load() {
			c.mysql.Mute()
			stopped.Store(true)
		}
	})
	return d.killedWhileCreating(ctx, p, stopped.Load)
}

func (d *day) killedWhileCreating(ctx context.Context, p product, stopped func() bool) error {
	put := measure.Send(1, func(int) error { _, err := d.post(ctx, 1, p); return err })
	err := measure.Soon(ctx, patience, "the instance goes on", func() bool { return put.Ended() > 0 || stopped() })
	if err != nil {
		return err
	}
	if err := d.kill(ctx, 1); err != nil {
		return err
	}
	if err := put.Wait(ctx); err != nil {
		return err
	}
	there, err := d.inTable(ctx, p.ID)
	if err != nil {
		return err
	}
	if err := d.either(ctx, 0, p); err != nil {
		return err
	}
	if err := d.redis.Pass(ctx, life); err != nil {
		return err
	}
	if there {
		err = d.findsSoon(ctx, time.Now().Add(patience), 0, p, "created-unseen",
			"which is in the table: the instance that wrote it was killed, five minutes ago")
	} else {
		err = d.misses(ctx, 0, p.ID)
	}
	if err != nil {
		return err
	}
	return d.start(ctx, 1)
}

// importNight writes products into MySQL, among them some that everybody asks
// for, lets five minutes go by, and starts both instances anew.
func (d *day) importNight(ctx context.Context) error {
	var imported []product
	for range 8 {
		imported = append(imported, d.revive(), d.product(d.id()))
	}
	ask := func() error {
		for n, p := range imported {
			for i := range d.nodes {
				if n%4 < 2 { // half of them, dead links and others
					if err := d.either(ctx, i, p); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}
	if err := ask(); err != nil {
		return err
	}
	for _, p := range imported {
		_, err := d.mysql.Admin().ExecContext(ctx, "INSERT INTO "+d.database+".products (id, name, cents) VALUES (?, ?, ?)", p.ID, p.Name, p.Cents)
		if err != nil {
			return d.theirs(fmt.Errorf("import a product: %w", err))
		}
	}
	const steps = 30
	for range steps {
		if err := d.redis.Pass(ctx, life/steps); err != nil {
			return err
		}
		if err := ask(); err != nil {
			return err
		}
	}
	for i := range d.nodes {
		if err := d.restart(ctx, i); err != nil {
			return err
		}
	}
	end := time.Now().Add(patience)
	for _, p := range imported {
		for i := range d.nodes {
			err := d.findsSoon(ctx, end, i, p, "imported-unseen", "imported five minutes ago; both instances have been started anew since then")
			if err != nil {
				return err
			}
		}
	}
	return nil
}
