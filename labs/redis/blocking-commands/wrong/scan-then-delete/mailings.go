// fails: longest-removal
// shows: del mailing:
// Half of the members are taken out page by page, so that DEL has little left to do:
// "little" is a hundred thousand.

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
	n, err := s.rdb.SCard(ctx, mailingKey(mailing)).Result()
	if err != nil {
		return err
	}
	for range n / 2 / page {
		if err := s.rdb.SPopN(ctx, mailingKey(mailing), page).Err(); err != nil {
			return err
		}
	}
	return s.rdb.Del(ctx, mailingKey(mailing)).Err()
}
