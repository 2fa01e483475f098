package main

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// cards keeps the stock cards: a hash for each store, a field for each SKU.
type cards struct{ rdb *redis.ClusterClient }

// key of a store's cards. The tag is there because a command on two stores
// would end in CROSSSLOT without it.
func key(store string) string { return "{stock}:" + store }

// put keeps the card of an article in a store.
func (c *cards) put(ctx context.Context, store, sku, card string) error {
	return c.rdb.HSet(ctx, key(store), sku, card).Err()
}

// get returns it; redis.Nil says that there is none.
func (c *cards) get(ctx context.Context, store, sku string) (string, error) {
	return c.rdb.HGet(ctx, key(store), sku).Result()
}

// pick returns those of the store's cards that are there, by SKU.
func (c *cards) pick(ctx context.Context, store string, skus []string) (map[string]string, error) {
	values, err := c.rdb.HMGet(ctx, key(store), skus...).Result()
	found := map[string]string{}
	for i, v := range values {
		if card, ok := v.(string); ok {
			found[skus[i]] = card
		}
	}
	return found, err
}

// move brings the cards that older versions wrote to where this version looks
// for them. It runs when the program starts, while this instance already serves.
func (c *cards) move(context.Context) error {
	return nil // this version looks where all older ones did
}
