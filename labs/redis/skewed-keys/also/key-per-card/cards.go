package main

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// cards keeps the stock cards: a string for each. The finest spread there is;
// what it costs is the memory of a key for every card, and that the cards of a
// store can no longer be listed by one command.
type cards struct {
	rdb   *redis.ClusterClient
	moved atomic.Bool // nothing is left at the old place
}

func key(store, sku string) string { return "stock:" + store + ":" + sku }

// old is where all cards of a store were before.
func old(store string) string { return "{stock}:" + store }

func (c *cards) put(ctx context.Context, store, sku, card string) error {
	return c.rdb.Set(ctx, key(store, sku), card, 0).Err()
}

func (c *cards) get(ctx context.Context, store, sku string) (string, error) {
	moved := c.moved.Load() // before looking: it may become true in between
	card, err := c.rdb.Get(ctx, key(store, sku)).Result()
	if moved || !errors.Is(err, redis.Nil) {
		return card, err
	}
	card, err = c.rdb.HGet(ctx, old(store), sku).Result()
	if !errors.Is(err, redis.Nil) {
		return card, err
	}
	// It may have been moved between the two looks.
	return c.rdb.Get(ctx, key(store, sku)).Result()
}

func (c *cards) pick(ctx context.Context, store string, skus []string) (map[string]string, error) {
	found := map[string]string{}
	if !c.moved.Load() {
		for _, sku := range skus {
			card, err := c.get(ctx, store, sku)
			if err == nil {
				found[sku] = card
			} else if !errors.Is(err, redis.Nil) {
				return nil, err
			}
		}
		return found, nil
	}
	// Not MGET: the keys are in several slots.
	gets := make([]*redis.StringCmd, len(skus))
	_, err := c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, sku := range skus {
			gets[i] = p.Get(ctx, key(store, sku))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	for i, sku := range skus {
		if card, err := gets[i].Result(); err == nil {
			found[sku] = card
		}
	}
	return found, nil
}

// move copies page by page and deletes what it has copied.
func (c *cards) move(ctx context.Context) error {
	err := c.rdb.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		keys := node.ScanType(ctx, 0, "{stock}:*", 1000, "hash").Iterator()
		for keys.Next(ctx) {
			if err := c.moveStore(ctx, keys.Val()); err != nil {
				return err
			}
		}
		return keys.Err()
	})
	if err == nil {
		c.moved.Store(true)
	}
	return err
}

func (c *cards) moveStore(ctx context.Context, from string) error {
	store := from[len(old("")):]
	for cursor := uint64(0); ; {
		page, next, err := c.rdb.HScan(ctx, from, cursor, "*", 300).Result()
		if err != nil {
			return err
		}
		var done []string
		_, err = c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := 0; i < len(page); i += 2 {
				p.SetNX(ctx, key(store, page[i]), page[i+1], 0)
				done = append(done, page[i])
			}
			return nil
		})
		if err != nil {
			return err
		}
		if len(done) > 0 {
			if err := c.rdb.HDel(ctx, from, done...).Err(); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}
