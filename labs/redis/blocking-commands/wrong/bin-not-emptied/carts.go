package main

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"
)

// A cart is a hash: SKU → pieces.
func cartKey(shop, customer string) string { return "cart:" + shop + ":" + customer }

func (s *store) putIntoCart(ctx context.Context, shop, customer, sku, pieces string) error {
	return s.rdb.HSet(ctx, cartKey(shop, customer), sku, pieces).Err()
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
	return s.rdb.Del(ctx, cartKey(shop, customer)).Err()
}

// listCarts calls f for each customer who has a cart in the shop. It looks at all
// keys of the server for it, some at a time.
func (s *store) listCarts(ctx context.Context, shop string, f func(customer string)) error {
	seen := map[string]bool{} // a scan may return a key twice
	for cursor := uint64(0); ; {
		keys, next, err := s.rdb.Scan(ctx, cursor, cartKey(shop, "*"), page).Result()
		if err != nil {
			return err
		}
		for _, key := range keys {
			if !seen[key] {
				f(strings.TrimPrefix(key, cartKey(shop, "")))
			}
			seen[key] = true
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}
