package main

import (
	"context"
	"hash/fnv"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// The filter: a million bits are enough for 100,000 products at one wrong "maybe"
// in a hundred.
const (
	filter = "products:filter"
	size   = 1 << 20 // bits
	hashes = 7
)

// bits are those that an id sets.
func bits(id int64) (all [hashes]int64) {
	h := fnv.New64a()
	_, _ = h.Write(strconv.AppendInt(nil, id, 10))
	sum := h.Sum64()
	a, b := sum&0xffffffff, sum>>32|1
	for i := range all {
		all[i] = int64((a + uint64(i)*b) % size)
	}
	return all
}

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

// mayBe says whether a product may be there: no is sure.
func (c *catalogue) mayBe(ctx context.Context, id int64) (bool, error) {
	var set []*redis.IntCmd
	_, err := c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, bit := range bits(id) {
			set = append(set, p.GetBit(ctx, filter, bit))
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	for _, bit := range set {
		if bit.Val() == 0 {
			return false, nil
		}
	}
	return true, nil
}

// fill empties the filter and adds all products to it.
func (c *catalogue) fill(ctx context.Context) error {
	rows, err := c.db.QueryContext(ctx, "SELECT id FROM products")
	if err != nil {
		return err
	}
	defer rows.Close()
	if err := c.rdb.Del(ctx, filter).Err(); err != nil {
		return err
	}
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
	_, err = p.Exec(ctx)
	return err
}
