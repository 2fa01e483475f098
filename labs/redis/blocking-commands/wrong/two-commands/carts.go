// fails: wrong-lists
// The cart and the list are written one after the other, and the other instance
// comes between: a cart that is dropped and filled at once is not in the list.

package main

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// A cart is a hash: SKU → pieces.
func cartKey(shop, customer string) string { return "cart:" + shop + ":" + customer }

// A shop's list is the set of the customers who have a cart.
func listKey(shop string) string { return "carts:" + shop }

func (s *store) putIntoCart(ctx context.Context, shop, customer, sku, pieces string) error {
	if err := s.rdb.HSet(ctx, cartKey(shop, customer), sku, pieces).Err(); err != nil {
		return err
	}
	return s.rdb.SAdd(ctx, listKey(shop), customer).Err()
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
	if err := s.rdb.Del(ctx, cartKey(shop, customer)).Err(); err != nil {
		return err
	}
	return s.rdb.SRem(ctx, listKey(shop), customer).Err()
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
