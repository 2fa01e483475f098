package main

import (
	"context"

	"github.com/redis/go-redis/v9"
)

const (
	filter = "products:filter"
	whole  = 0 // the bit that says that all products have been added
)

// bits are those that an id sets: its own.
func bits(id int64) []int64 { return []int64{id} }

// add adds a product to the filter.
func (c *catalogue) add(ctx context.Context, id int64) error {
	_, err := c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, bit := range bits(id) {
			p.SetBit(ctx, filter, bit, 1)
		}
		return nil
	})
	return err
}

// mayBe says whether a product may be there: no is sure. A filter that Redis has
// lost, or that somebody has only begun, knows nothing.
func (c *catalogue) mayBe(ctx context.Context, id int64) (bool, error) {
	var known *redis.IntCmd
	var set []*redis.IntCmd
	_, err := c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		known = p.GetBit(ctx, filter, whole)
		for _, bit := range bits(id) {
			set = append(set, p.GetBit(ctx, filter, bit))
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	if known.Val() == 0 {
		return true, c.fill(ctx)
	}
	for _, bit := range set {
		if bit.Val() == 0 {
			return false, nil
		}
	}
	return true, nil
}

// fill adds all products to the filter. It only ever sets bits, so that whoever uses the filter meanwhile, or
// adds to it, is not disturbed.
func (c *catalogue) fill(ctx context.Context) error {
	c.filling.Lock()
	defer c.filling.Unlock()
	if n, err := c.rdb.GetBit(ctx, filter, whole).Result(); c.filled && (err != nil || n == 1) {
		return err // somebody has, meanwhile
	}
	rows, err := c.db.QueryContext(ctx, "SELECT id FROM products")
	if err != nil {
		return err
	}
	defer rows.Close()
	p := c.rdb.Pipeline()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		for _, bit := range bits(id) {
			p.SetBit(ctx, filter, bit, 1)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	p.SetBit(ctx, filter, whole, 1)
	_, err = p.Exec(ctx)
	c.filled = err == nil
	return err
}
