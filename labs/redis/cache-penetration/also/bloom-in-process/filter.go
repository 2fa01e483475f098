package main

import (
	"context"
	"crypto/rand"
	"hash/fnv"
	"strconv"
	"sync"
)

// filter is this instance's Bloom filter of what was in the table when it was
// filled. What was created since is in a set in Redis, together with a word of
// each instance: if that is gone, Redis has lost the set, and the filter is filled
// anew.
type filter struct {
	mu   sync.RWMutex
	bits []uint64
	word string
}

const (
	created = "products:created"
	size    = 1 << 20 // bits
	hashes  = 7
)

// each calls f with the bits of an id.
func each(id int64, f func(word int, mask uint64)) {
	h := fnv.New64a()
	_, _ = h.Write(strconv.AppendInt(nil, id, 10))
	sum := h.Sum64()
	a, b := sum&0xffffffff, sum>>32|1
	for i := range uint64(hashes) {
		bit := (a + i*b) % size
		f(int(bit/64), 1<<(bit%64))
	}
}

// add says that a product will be there, to all instances.
func (c *catalogue) add(ctx context.Context, id int64) error {
	return c.rdb.SAdd(ctx, created, id).Err()
}

// mayBe says whether a product may be there: no is sure.
func (c *catalogue) mayBe(ctx context.Context, id int64) (bool, error) {
	f := &c.filter
	f.mu.RLock()
	may, word := true, f.word
	each(id, func(word int, mask uint64) { may = may && f.bits[word]&mask != 0 })
	f.mu.RUnlock()
	if may {
		return true, nil
	}
	is, err := c.rdb.SMIsMember(ctx, created, word, id).Result()
	if err != nil {
		return false, err
	}
	if !is[0] {
		return true, c.fill(ctx, word)
	}
	return is[1], nil
}

// fill makes the filter anew, unless its word is not old any more. The word is in
// Redis before the table is read: what is created from then on is there, too.
func (c *catalogue) fill(ctx context.Context, old string) error {
	f := &c.filter
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.word != old {
		return nil
	}
	word := rand.Text()
	if err := c.rdb.SAdd(ctx, created, word).Err(); err != nil {
		return err
	}
	rows, err := c.db.QueryContext(ctx, "SELECT id FROM products")
	if err != nil {
		return err
	}
	defer rows.Close()
	bits := make([]uint64, size/64)
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		each(id, func(word int, mask uint64) { bits[word] |= mask })
	}
	if err := rows.Err(); err != nil {
		return err
	}
	f.bits, f.word = bits, word
	return nil
}
