package cachepenetration

import (
	"context"
	"errors"
	"slices"
	"time"

	"faultlab/internal/measure"
)

// request is one of a stream.
type request struct {
	node   int
	id     int64
	find   *product // that must be found; nil: there is none
	create bool
}

// stream sends requests in any order and in the course of a minute, as Redis sees
// it, with a creation now and then. It returns what each of them cost: statements
// in MySQL, and commands in Redis.
func (d *day) stream(ctx context.Context, all []request) (statements, commands float64, err error) {
	const creations, parts, minute = 8, 6, time.Minute
	for range creations {
		p := d.product(d.id())
		all = append(all, request{find: &p, create: true})
	}
	d.rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for i := range all {
		all[i].node = d.rnd.IntN(len(d.nodes))
	}
	ask := func(ctx context.Context, _ int, q request) error {
		switch {
		case q.create:
			_, err := d.post(ctx, q.node, *q.find)
			return err
		case q.find != nil:
			return d.finds(ctx, q.node, *q.find, "false-negatives", "which was there from the start")
		}
		return d.misses(ctx, q.node, q.id)
	}
	before, err := d.mysql.Statements(ctx, accounts...)
	if err != nil {
		return 0, 0, err
	}
	for part := range slices.Chunk(all, len(all)/parts+1) {
		was, err := d.redis.Counters(ctx)
		if err != nil {
			return 0, 0, err
		}
		if err := measure.Each(ctx, part, ask); err != nil {
			return 0, 0, err
		}
		is, err := d.redis.Counters(ctx)
		if err != nil {
			return 0, 0, err
		}
		commands += float64(is.Since(was).Work())
		if err := d.redis.Pass(ctx, minute/parts); err != nil {
			return 0, 0, err
		}
	}
	after, err := d.mysql.Statements(ctx, accounts...)
	each := float64(len(all))
	return float64(after-before) / each, commands / each, err
}

// deadLinks has the world follow old links, again and again.
func (d *day) deadLinks(ctx context.Context) (err error) {
	const each = 25
	var all []request
	for _, id := range d.dead {
		for range each {
			all = append(all, request{id: id})
		}
	}
	if d.penetration, d.commands, err = d.stream(ctx, all); err != nil {
		return err
	}
	return d.weigh(ctx)
}

// bestSellers has it follow links to what is there.
func (d *day) bestSellers(ctx context.Context) (err error) {
	const each = 8
	var all []request
	for i := range popular {
		for range each {
			all = append(all, request{find: &d.there[i], id: d.there[i].ID})
		}
	}
	d.missRatio, _, err = d.stream(ctx, all)
	return err
}

// scan has somebody try ids, each once, and looks at what that leaves in Redis
// five minutes later. What has an end has ended before, and what the program
// always has there is there again.
func (d *day) scan(ctx context.Context) error {
	const ids, enough = 600, 20
	if err := d.redis.Pass(ctx, 1000*time.Hour); err != nil {
		return err
	}
	for i := range d.nodes {
		if err := d.misses(ctx, i, d.id()); err != nil {
			return err
		}
	}
	if err := d.redis.Pass(ctx, life); err != nil {
		return err
	}
	before, err := d.size(ctx)
	if err != nil {
		return err
	}
	var all []request
	for range ids {
		all = append(all, request{id: d.id()})
	}
	statements, err := d.mysql.Statements(ctx, accounts...)
	if err != nil {
		return err
	}
	err = measure.Each(ctx, all, func(ctx context.Context, i int, q request) error { return d.misses(ctx, i%2, q.id) })
	if err != nil {
		return err
	}
	after, err := d.mysql.Statements(ctx, accounts...)
	if err != nil {
		return err
	}
	d.scanned = float64(after-statements) / ids
	if err := d.weigh(ctx); err != nil {
		return err
	}
	if err := d.redis.Pass(ctx, life); err != nil {
		return err
	}
	// A program that looks after times by itself may need somebody to ask it.
	somebody := d.id()
	var failed error
	err = measure.Soon(ctx, patience, "Redis has forgotten the scan", func() bool {
		var left int64
		if left, failed = d.size(ctx); failed == nil {
			d.left = float64(max(0, left-before)) / ids
			failed = d.misses(ctx, 0, somebody)
		}
		return failed != nil || d.left <= enough
	})
	return errors.Join(err, failed)
}

// size is the bytes of all keys and values in Redis.
func (d *day) size(ctx context.Context) (sum int64, err error) {
	err = d.redis.Sizes(ctx, func(_ string, bytes int64) { sum += bytes })
	return sum, err
}
