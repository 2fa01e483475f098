// fails: longest-export
// shows: copy points:
// The export works on a copy, so that it is of one moment. COPY makes it in one go.

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
)

// The points of a shop's customers are a hash: customer → points.
func pointsKey(shop string) string { return "points:" + shop }

func (s *store) setPoints(ctx context.Context, shop, customer, points string) error {
	return s.rdb.HSet(ctx, pointsKey(shop), customer, points).Err()
}

// points returns a customer's; redis.Nil says that there are none.
func (s *store) points(ctx context.Context, shop, customer string) (string, error) {
	return s.rdb.HGet(ctx, pointsKey(shop), customer).Result()
}

func (s *store) dropPoints(ctx context.Context, shop, customer string) error {
	return s.rdb.HDel(ctx, pointsKey(shop), customer).Err()
}

// exportPoints calls f for each customer who has points in the shop.
func (s *store) exportPoints(ctx context.Context, shop string, f func(customer, points string)) error {
	frozen := fmt.Sprintf("export:%s:%016x", shop, rand.Uint64())
	if err := s.rdb.Copy(ctx, pointsKey(shop), frozen, 0, false).Err(); err != nil {
		return err
	}
	defer s.rdb.Unlink(ctx, frozen)
	seen := map[string]bool{} // a scan may return a field twice
	for cursor := uint64(0); ; {
		pairs, next, err := s.rdb.HScan(ctx, frozen, cursor, "", page).Result()
		if err != nil {
			return err
		}
		for i := 0; i < len(pairs); i += 2 {
			if !seen[pairs[i]] {
				f(pairs[i], pairs[i+1])
			}
			seen[pairs[i]] = true
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}
