package main

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"
)

// page is about how many elements one command looks at. Everybody else waits
// for it; and there is a round trip for each.
const page = 1000

// store is what the shop keeps in Redis.
type store struct{ rdb *redis.Client }

// indexed is there when all carts that are older than the lists are in them.
const indexed = "carts:indexed"

// prepare puts the carts that are there into their shops' lists, once. When the
// second instance starts, the first one writes both.
func (s *store) prepare(ctx context.Context) error {
	if n, err := s.rdb.Exists(ctx, indexed).Result(); err != nil || n == 1 {
		return err
	}
	for cursor := uint64(0); ; {
		keys, next, err := s.rdb.Scan(ctx, cursor, cartKey("*", "*"), page).Result()
		if err != nil {
			return err
		}
		_, err = s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, key := range keys {
				shop, customer, _ := strings.Cut(strings.TrimPrefix(key, "cart:"), ":")
				p.SAdd(ctx, listKey(shop), customer)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if cursor = next; cursor == 0 {
			return s.rdb.Set(ctx, indexed, 1, 0).Err()
		}
	}
}
