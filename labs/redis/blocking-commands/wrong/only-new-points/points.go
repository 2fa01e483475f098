// fails: wrong-answers
// Small hashes from now on. What customers had before stays in the big one, where
// nobody looks any more.

package main

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// The points of a shop's customers are hashes: customer → points.
func pointsName(shop string) string { return "balance:" + shop }

func (s *store) setPoints(ctx context.Context, shop, customer, points string) error {
	return s.rdb.HSet(ctx, bucket(pointsName(shop), customer), customer, points).Err()
}

// points returns a customer's; redis.Nil says that there are none.
func (s *store) points(ctx context.Context, shop, customer string) (string, error) {
	return s.rdb.HGet(ctx, bucket(pointsName(shop), customer), customer).Result()
}

func (s *store) dropPoints(ctx context.Context, shop, customer string) error {
	return s.rdb.HDel(ctx, bucket(pointsName(shop), customer), customer).Err()
}

// exportPoints calls f for each customer who has points in the shop.
func (s *store) exportPoints(ctx context.Context, shop string, f func(customer, points string)) error {
	var parts []*redis.MapStringStringCmd
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		each(pointsName(shop), func(key string) { parts = append(parts, p.HGetAll(ctx, key)) })
		return nil
	})
	for _, part := range parts {
		for customer, points := range part.Val() {
			f(customer, points)
		}
	}
	return err
}
