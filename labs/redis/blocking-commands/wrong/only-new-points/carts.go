package main

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// A cart is a hash: SKU → pieces.
func cartKey(shop, customer string) string { return "cart:" + shop + ":" + customer }

// A shop's list is sets of the customers who have a cart. Cart and list are
// written in one transaction, so that nobody comes between.
func listName(shop string) string { return "open:" + shop }

func (s *store) putIntoCart(ctx context.Context, shop, customer, sku, pieces string) error {
	_, err := s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, cartKey(shop, customer), sku, pieces)
		p.SAdd(ctx, bucket(listName(shop), customer), customer)
		return nil
	})
	return err
}

// cart returns what is in it; redis.Nil says that there is none.
func (s *store) cart(ctx context.Context, shop, customer string) (map[string]string, error) {
	cart, err := s.rdb.HGetAll(ctx, cartKey(shop, customer)).Result()
	if err == nil && len(cart) == 0 {
		err = redis.Nil
	}
	return cart, err
}

func (s *store) dropCart(ctx context.Context, shop, customer string) error {
	_, err := s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Del(ctx, cartKey(shop, customer))
		p.SRem(ctx, bucket(listName(shop), customer), customer)
		return nil
	})
	return err
}

// listCarts calls f for each customer who has a cart in the shop.
func (s *store) listCarts(ctx context.Context, shop string, f func(customer string)) error {
	var parts []*redis.StringSliceCmd
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		each(listName(shop), func(key string) { parts = append(parts, p.SMembers(ctx, key)) })
		return nil
	})
	for _, part := range parts {
		for _, customer := range part.Val() {
			f(customer)
		}
	}
	return err
}
