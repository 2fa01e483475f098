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

// indexed is there when all that is older than the lists is in them.
const indexed = "lists:complete"

// prepare puts what is there into lists by name, once. When the second instance
// starts, the first one writes both.
func (s *store) prepare(ctx context.Context) error {
	if n, err := s.rdb.Exists(ctx, indexed).Result(); err != nil || n == 1 {
		return err
	}
	err := s.keys(ctx, cartKey("*", "*"), func(p redis.Pipeliner, key string) {
		shop, customer, _ := strings.Cut(strings.TrimPrefix(key, "cart:"), ":")
		p.ZAdd(ctx, listKey(shop), redis.Z{Member: customer})
	})
	if err != nil {
		return err
	}
	var shops []string
	err = s.keys(ctx, pointsKey("*"), func(_ redis.Pipeliner, key string) {
		shops = append(shops, strings.TrimPrefix(key, pointsKey("")))
	})
	if err != nil {
		return err
	}
	for _, shop := range shops {
		for cursor := uint64(0); ; {
			pairs, next, err := s.rdb.HScan(ctx, pointsKey(shop), cursor, "", page).Result()
			if err != nil {
				return err
			}
			var members []redis.Z
			for i := 0; i < len(pairs); i += 2 {
				members = append(members, redis.Z{Member: pairs[i]})
			}
			if len(members) > 0 {
				if err := s.rdb.ZAdd(ctx, holdersKey(shop), members...).Err(); err != nil {
					return err
				}
			}
			if cursor = next; cursor == 0 {
				break
			}
		}
	}
	return s.rdb.Set(ctx, indexed, 1, 0).Err()
}

// keys calls f for all keys that match, some at a time.
func (s *store) keys(ctx context.Context, match string, f func(p redis.Pipeliner, key string)) error {
	for cursor := uint64(0); ; {
		keys, next, err := s.rdb.Scan(ctx, cursor, match, page).Result()
		if err != nil {
			return err
		}
		_, err = s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, key := range keys {
				f(p, key)
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

// byName calls f with the members of a sorted set, some at a time. A page begins
// behind the last name of the one before, whatever was written since: no member
// comes twice, and none that stays is left out.
func (s *store) byName(ctx context.Context, key string, f func(members []string) error) error {
	for after := "-"; ; {
		members, err := s.rdb.ZRangeArgs(ctx, redis.ZRangeArgs{Key: key, ByLex: true, Start: after, Stop: "+", Count: page}).Result()
		if err != nil || len(members) == 0 {
			return err
		}
		if err := f(members); err != nil {
			return err
		}
		after = "(" + members[len(members)-1]
	}
}
