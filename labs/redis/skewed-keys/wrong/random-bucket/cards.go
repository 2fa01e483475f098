// fails: commands-per-read
// Salting: a card goes to a bucket by chance, which spreads any load. That is
// right for counters that are summed up anyway; here nobody knows where a card
// is, and each read has to ask all buckets.

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// buckets is how many hashes a store's cards are spread over. Where a bucket
// lands is a throw of dice, so there must be many more than nodes for the nodes
// to get about the same; and the largest store must leave none of them big.
const buckets = 64

// cards keeps the stock cards: for each store buckets hashes; a card is in any
// one of them.
type cards struct {
	rdb   *redis.ClusterClient
	moved atomic.Bool // nothing is left at the old place
}

func key(store string, bucket int) string { return fmt.Sprintf("stock:%s:%d", store, bucket) }

// old is where all cards of a store were before there were buckets.
func old(store string) string { return "{stock}:" + store }

func (c *cards) put(ctx context.Context, store, sku, card string) error {
	b := rand.IntN(buckets)
	_, err := c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range buckets {
			if i == b {
				p.HSet(ctx, key(store, i), sku, card)
			} else {
				p.HDel(ctx, key(store, i), sku)
			}
		}
		return nil
	})
	return err
}

// look asks all buckets.
func (c *cards) look(ctx context.Context, store, sku string) (string, error) {
	gets := make([]*redis.StringCmd, buckets)
	_, err := c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range gets {
			gets[i] = p.HGet(ctx, key(store, i), sku)
		}
		return nil
	})
	for _, g := range gets {
		if g.Err() == nil {
			return g.Val(), nil
		}
	}
	return "", err
}

func (c *cards) get(ctx context.Context, store, sku string) (string, error) {
	moved := c.moved.Load() // before looking: it may become true in between
	card, err := c.look(ctx, store, sku)
	if moved || !errors.Is(err, redis.Nil) {
		return card, err
	}
	card, err = c.rdb.HGet(ctx, old(store), sku).Result()
	if !errors.Is(err, redis.Nil) {
		return card, err
	}
	// It may have been moved between the two looks.
	return c.look(ctx, store, sku)
}

func (c *cards) pick(ctx context.Context, store string, skus []string) (map[string]string, error) {
	found := map[string]string{}
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
				p.HSetNX(ctx, key(store, rand.IntN(buckets)), page[i], page[i+1])
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
