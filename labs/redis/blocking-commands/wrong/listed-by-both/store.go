// fails: wrong-lists
// Each instance fills the lists when it starts, the second one while the first one
// serves: it lists a cart that was there when it looked, and is not any more.

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

// prepare puts the carts that are there into their shops' lists.
func (s *store) prepare(ctx context.Context) error {
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
