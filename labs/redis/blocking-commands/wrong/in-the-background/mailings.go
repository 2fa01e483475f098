// fails: wrong-members
// The members are taken out some at a time, in the background, after the answer.
// The mailing is still in use: it is not gone when it should be, and whoever is
// put into it anew is taken out again.

package main

import (
	"context"

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
	go func() {
		ctx := context.WithoutCancel(ctx)
		for cursor := uint64(0); ; {
			some, next, err := s.rdb.SScan(ctx, mailingKey(mailing), cursor, "", page).Result()
			if err == nil && len(some) > 0 {
				members := make([]any, len(some))
				for i, m := range some {
					members[i] = m
				}
				err = s.rdb.SRem(ctx, mailingKey(mailing), members...).Err()
			}
			if cursor = next; err != nil || cursor == 0 {
				return
			}
		}
	}()
	return nil
}
