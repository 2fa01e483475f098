// fails: left-behind
// The mailing gets another name and is emptied some members at a time, which is
// right. A program that is killed meanwhile leaves the rest, and nobody looks for it.

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/redis/go-redis/v9"
)

// A mailing is the set of the customers who have got it.
func mailingKey(mailing string) string { return "mailing:" + mailing }

func (s *store) addToMailing(ctx context.Context, mailing, customer string) error {
	return s.rdb.SAdd(ctx, mailingKey(mailing), customer).Err()
}

// inMailing returns redis.Nil for a customer who is not in it.
func (s *store) inMailing(ctx context.Context, mailing, customer string) error {
	in, err := s.rdb.SIsMember(ctx, mailingKey(mailing), customer).Result()
	if err == nil && !in {
		err = redis.Nil
	}
	return err
}

func bin(name string) string { return "bin:" + name }

// dropMailing forgets who has got it. It may then be sent anew: from the moment
// that it has another name, nobody writes to the old one any more.
func (s *store) dropMailing(ctx context.Context, mailing string) error {
	old := bin(fmt.Sprintf("%s:%016x", mailing, rand.Uint64()))
	err := s.rdb.Rename(ctx, mailingKey(mailing), old).Err()
	if err != nil && strings.Contains(err.Error(), "no such key") {
		return nil
	}
	if err != nil {
		return err
	}
	return s.empty(ctx, old)
}

// empty takes the members out, some at a time; with the last one the key is gone.
func (s *store) empty(ctx context.Context, key string) error {
	for {
		some, err := s.rdb.SPopN(ctx, key, page).Result()
		if err != nil || len(some) == 0 {
			return err
		}
	}
}
