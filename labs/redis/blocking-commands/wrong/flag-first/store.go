// fails: wrong-lists
// What is to be done once is noted as done, so that nobody else does it, and then
// done. The program is killed in between, and nobody does it any more.

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

// indexed is there when somebody puts the carts that are older than the lists
// into them.
const indexed = "carts:indexed"

// prepare puts the carts that are there into their shops' lists, once. When the
// second instance starts, the first one writes both.
func (s *store) prepare(ctx context.Context) error {
	if first, err := s.rdb.SetNX(ctx, indexed, 1, 0).Result(); err != nil || !first {
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
			return nil
		}
	}
}
