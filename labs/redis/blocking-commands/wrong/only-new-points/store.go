package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// buckets is how many keys everything that is large is spread over, so that each
// of them is small enough to be read, or deleted, whole.
const buckets = 128

// page is about how many elements are moved at a time.
const page = 1000

// store is what the shop keeps in Redis.
type store struct{ rdb *redis.Client }

// bucket is where a customer is among those of a name.
func bucket(name, customer string) string {
	h := fnv.New32a()
	h.Write([]byte(customer))
	return fmt.Sprintf("%s:%d", name, h.Sum32()%buckets)
}

// each calls f for all of them.
func each(name string, f func(key string)) {
	for i := range buckets {
		f(fmt.Sprintf("%s:%d", name, i))
	}
}

// moved is there when nothing is left where older versions have it.
const moved = "buckets:moved"

// prepare moves what older versions have, once. Nobody else runs then, and nothing
// is deleted before it has been written: killed, it begins anew.
func (s *store) prepare(ctx context.Context) error {
	if n, err := s.rdb.Exists(ctx, moved).Result(); err != nil || n == 1 {
		return err
	}
	carts, err := s.keys(ctx, "cart:*")
	if err != nil {
		return err
	}
	for len(carts) > 0 {
		n := min(page, len(carts))
		into := map[string][]any{}
		for _, key := range carts[:n] {
			shop, customer, _ := strings.Cut(strings.TrimPrefix(key, "cart:"), ":")
			list := bucket(listName(shop), customer)
			into[list] = append(into[list], customer)
		}
		if err := s.write(ctx, into, redis.Pipeliner.SAdd); err != nil {
			return err
		}
		carts = carts[n:]
	}
	mailings, err := s.keys(ctx, "mailing:*")
	if err != nil {
		return err
	}
	for _, old := range mailings {
		mailing := strings.TrimPrefix(old, "mailing:")
		for cursor, more := uint64(0), true; more; more = cursor != 0 {
			var some []string
			if some, cursor, err = s.rdb.SScan(ctx, old, cursor, "", page).Result(); err != nil {
				return err
			}
			into := map[string][]any{}
			for _, customer := range some {
				key := bucket(mailingName(mailing), customer)
				into[key] = append(into[key], customer)
			}
			if err := s.write(ctx, into, redis.Pipeliner.SAdd); err != nil {
				return err
			}
		}
	}
	for _, old := range mailings {
		if err := s.rdb.Unlink(ctx, old).Err(); err != nil {
			return err
		}
	}
	return s.rdb.Set(ctx, moved, 1, 0).Err()
}

// keys are all that match.
func (s *store) keys(ctx context.Context, match string) (all []string, err error) {
	for cursor := uint64(0); ; {
		keys, next, err := s.rdb.Scan(ctx, cursor, match, page).Result()
		if err != nil {
			return nil, err
		}
		all = append(all, keys...)
		if cursor = next; cursor == 0 {
			return all, nil
		}
	}
}

// write puts what belongs together into each key.
func (s *store) write(ctx context.Context, into map[string][]any,
	put func(p redis.Pipeliner, ctx context.Context, key string, what ...any) *redis.IntCmd) error {
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for key, what := range into {
			put(p, ctx, key, what...)
		}
		return nil
	})
	return err
}
