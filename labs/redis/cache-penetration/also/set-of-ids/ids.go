package main

import (
	"context"
	"slices"

	"github.com/redis/go-redis/v9"
)

// ids is a set in Redis of all products' ids; whole is in it, too, when all have
// been added.
const (
	ids   = "products:ids"
	whole = "whole"
)

// add adds a product to the set.
func (c *catalogue) add(ctx context.Context, id int64) error { return c.rdb.SAdd(ctx, ids, id).Err() }

// mayBe says whether a product may be there: no is sure. A set that Redis has lost
// knows nothing.
func (c *catalogue) mayBe(ctx context.Context, id int64) (bool, error) {
	is, err := c.rdb.SMIsMember(ctx, ids, whole, id).Result()
	if err != nil {
		return false, err
	}
	if !is[0] {
		return true, c.fill(ctx)
	}
	return is[1], nil
}

// fill adds all products to the set, all at once.
func (c *catalogue) fill(ctx context.Context) error {
	c.filling.Lock()
	defer c.filling.Unlock()
	if is, err := c.rdb.SIsMember(ctx, ids, whole).Result(); c.filled && (err != nil || is) {
		return err // somebody has, meanwhile
	}
	rows, err := c.db.QueryContext(ctx, "SELECT id FROM products")
	if err != nil {
		return err
	}
	defer rows.Close()
	all := []any{whole}
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		all = append(all, id)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	const each = 1000
	_, err = c.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for part := range slices.Chunk(all, each) {
			p.SAdd(ctx, ids, part...)
		}
		return nil
	})
	c.filled = err == nil
	return err
}
