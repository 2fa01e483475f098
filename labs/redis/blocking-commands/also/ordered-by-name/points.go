package main

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// The points of a shop's customers are a hash: customer → points.
func pointsKey(shop string) string { return "points:" + shop }

// Who has some is in a sorted set, ordered by name.
func holdersKey(shop string) string { return "holders:" + shop }

func (s *store) setPoints(ctx context.Context, shop, customer, points string) error {
	_, err := s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, pointsKey(shop), customer, points)
		p.ZAdd(ctx, holdersKey(shop), redis.Z{Member: customer})
		return nil
	})
	return err
}

// points returns a customer's; redis.Nil says that there are none.
func (s *store) points(ctx context.Context, shop, customer string) (string, error) {
	return s.rdb.HGet(ctx, pointsKey(shop), customer).Result()
}

func (s *store) dropPoints(ctx context.Context, shop, customer string) error {
	_, err := s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HDel(ctx, pointsKey(shop), customer)
		p.ZRem(ctx, holdersKey(shop), customer)
		return nil
	})
	return err
}

// exportPoints calls f for each customer who has points in the shop.
func (s *store) exportPoints(ctx context.Context, shop string, f func(customer, points string)) error {
	return s.byName(ctx, holdersKey(shop), func(customers []string) error {
		values, err := s.rdb.HMGet(ctx, pointsKey(shop), customers...).Result()
		for i, v := range values {
			if points, ok := v.(string); ok { // else they are gone since
				f(customers[i], points)
			}
		}
		return err
	})
}
