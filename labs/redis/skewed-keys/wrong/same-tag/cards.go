// fails: fullest-node
// shows: of the data, redis
// The big keys are split, and the buckets of a store get a tag of their own "so
// that a store remains together": {store}:1 … {store}:128. Only what is between
// the braces is hashed, so the largest store is still in one slot.

package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// buckets is how many hashes a store's cards are spread over. Where a bucket
// lands is a throw of dice, so there must be many more than nodes for the nodes
// to get about the same; and the largest store must leave none of them big.
const buckets = 128

// cards keeps the stock cards: for each store buckets hashes, each with the
// fields of those SKUs that fall into it.
type cards struct {
	rdb   *redis.ClusterClient
	moved atomic.Bool // nothing is left at the old place
}

func key(store, sku string) string {
	h := fnv.New32a()
	h.Write([]byte(sku))
	return fmt.Sprintf("stock:{%s}:%d", store, h.Sum32()%buckets)
}

// old is where all cards of a store were before there were buckets.
func old(store string) string { return "{stock}:" + store }

func (c *cards) put(ctx context.Context, store, sku, card string) error {
	return c.rdb.HSet(ctx, key(store, sku), sku, card).Err()
}

func (c *cards) get(ctx context.Context, store, sku string) (string, error) {
	moved := c.moved.Load() // before looking: it may become true in between
	card, err := c.rdb.HGet(ctx, key(store, sku), sku).Result()
	if moved || !errors.Is(err, redis.Nil) {
		return card, err
	}
	card, err = c.rdb.HGet(ctx, old(store), sku).Result()
	if !errors.Is(err, redis.Nil) {
		return card, err
	}
	// It may have been moved between the two looks.
	return c.rdb.HGet(ctx, key(store, sku), sku).Result()
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
	// The client sorts a pipeline by node: three round trips at the same time.
	gets := make([]*redis.StringCmd, len(skus))
	_, err := c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, sku := range skus {
			gets[i] = p.HGet(ctx, key(store, sku), sku)
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

// move takes the old hashes apart, page by page: copy, then delete what was
// copied. The full node has no room for a second copy of everything. A card
// that was put since is newer than the old one and stays (NX). Killed at any
// point, it goes on at the next start.
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
		page, next, err := c.rdb.HScan(ctx, from, cursor, "*", 500).Result()
		if err != nil {
			return err
		}
		var done []string
		_, err = c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := 0; i < len(page); i += 2 {
				p.HSetNX(ctx, key(store, page[i]), page[i], page[i+1])
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
