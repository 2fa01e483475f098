package main

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// A cart is a hash: SKU → pieces.
func cartKey(shop, customer string) string { return "cart:" + shop + ":" + customer }

// A shop's list is the set of the customers who have a cart. Cart and list are
// written in one transaction, so that nobody comes between.
func listKey(shop string) string { return "carts:" + shop }

func (s *store) putIntoCart(ctx context.Context, shop, customer, sku, pieces string) error {
	_, err := s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, cartKey(shop, customer), sku, pieces)
		p.SAdd(ctx, listKey(shop), customer)
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
		p.SRem(ctx, listKey(shop), customer)
		return nil
	})
	return err
}

// listCarts calls f for each customer who has a cart in the shop.
func (s *store) listCarts(ctx context.Context, shop string, f func(customer string)) error {
	seen := map[string]bool{} // a scan may return an element twice
	for cursor := uint64(0); ; {
		customers, next, err := s.rdb.SScan(ctx, listKey(shop), cursor, "", page).Result()
		if err != nil {
			return err
		}
		for _, customer := range customers {
			if !seen[customer] {
				f(customer)
			}
			seen[customer] = true
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}
