package main

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// page is about how many elements one command looks at. Everybody else waits
// for it; and there is a round trip for each.
const page = 1000

// store is what the shop keeps in Redis.
type store struct{ rdb *redis.Client }

// prepare empties what an instance that was killed has left in the bin.
func (s *store) prepare(ctx context.Context) error {
	for cursor := uint64(0); ; {
		keys, next, err := s.rdb.Scan(ctx, cursor, bin("*"), page).Result()
		if err != nil {
			return err
		}
		for _, key := range keys {
			if err := s.empty(ctx, key); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}
