// fails: left-behind
// The set gets another name, which takes no time at all, and is still there.

package main

import (
	"context"
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

// dropMailing forgets who has got it. It may then be sent anew.
func (s *store) dropMailing(ctx context.Context, mailing string) error {
	err := s.rdb.Rename(ctx, mailingKey(mailing), "bin:"+mailing).Err()
	if err != nil && strings.Contains(err.Error(), "no such key") {
		return nil
	}
	return err
}
