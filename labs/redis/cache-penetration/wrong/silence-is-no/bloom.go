package main

import (
	"context"
	"hash/fnv"
	"log"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// The filter: a million bits are enough for 100,000 products at one wrong "maybe"
// in a hundred.
const (
	filter = "products:filter"
	size   = 1 << 20 // bits
	hashes = 7
	whole  = size // the bit behind them: all products have been added
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
		log.Print(err)
		return false, nil
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

// fill adds all products to the filter. It only ever sets bits, all at once, so
// that whoever uses the filter meanwhile, or adds to it, is not disturbed.
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
	text := make([]byte, size/8+1)
	set := func(bit int64) { text[bit/8] |= 0x80 >> (bit % 8) }
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		for _, bit := range bits(id) {
			set(bit)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	set(whole)
	const part = filter + ":part"
	_, err = c.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, part, text, 0)
		p.BitOpOr(ctx, filter, filter, part)
		p.Del(ctx, part)
		return nil
	})
	c.filled = err == nil
	return err
}
