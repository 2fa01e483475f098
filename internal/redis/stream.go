package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Streams is what is in all streams of a server.
type Streams struct {
	Length      int64 // entries
	Pending     int64 // delivered to consumers of groups and not acknowledged, also where the entry is gone
	Undelivered int64 // that groups have not delivered to anybody
}

// Streams counts what is in the server's streams. XINFO GROUPS has a lag of its own,
// which is not known where entries were deleted, so what a group has not got is counted.
func (s *Server) Streams(ctx context.Context) (all Streams, err error) {
	err = s.ofType(ctx, "stream", func(key string) error {
		n, err := s.client.XLen(ctx, key).Result()
		if err != nil {
			return fmt.Errorf("xlen %s: %w", key, err)
		}
		groups, err := s.client.XInfoGroups(ctx, key).Result()
		if err != nil {
			return fmt.Errorf("xinfo groups %s: %w", key, err)
		}
		all.Length += n
		for _, g := range groups {
			rest, err := s.client.XRange(ctx, key, "("+g.LastDeliveredID, "+").Result()
			if err != nil {
				return fmt.Errorf("xrange %s: %w", key, err)
			}
			all.Pending += g.Pending
			all.Undelivered += int64(len(rest))
		}
		return nil
	})
	return all, err
}

// Age lets d go by for what is pending in groups, as if nobody had done anything
// meanwhile, and as if it had been delivered so many times more. What is pending and
// no longer in its stream is left alone: claimed, it would be forgotten.
func (s *Server) Age(ctx context.Context, d time.Duration, deliveries int) error {
	const age = `
		for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
			local name = group[2]
			for _, e in ipairs(redis.call('XPENDING', KEYS[1], name, '-', '+', 100000)) do
				if #redis.call('XRANGE', KEYS[1], e[1], e[1]) == 1 then
					redis.call('XCLAIM', KEYS[1], name, e[2], 0, e[1],
						'IDLE', e[3] + ARGV[1], 'RETRYCOUNT', e[4] + ARGV[2], 'JUSTID')
				end
			end
		end`
	return s.ofType(ctx, "stream", func(key string) error {
		err := s.client.Eval(ctx, age, []string{key}, d.Milliseconds(), deliveries).Err()
		if err != nil && !errors.Is(err, goredis.Nil) {
			return fmt.Errorf("age what is pending in %s: %w", key, err)
		}
		return nil
	})
}

// ofType calls f with each key of a type, once.
func (s *Server) ofType(ctx context.Context, kind string, f func(key string) error) error {
	seen := map[string]bool{}
	return s.scan(ctx, s.client, "*", kind, func(keys []string) error {
		for _, key := range keys {
			if seen[key] {
				continue
			}
			seen[key] = true
			if err := f(key); err != nil {
				return err
			}
		}
		return nil
	})
}
