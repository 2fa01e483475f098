// fails: longest-removal
// shows: by EXPIRE
// The set is renamed and ends by itself a second later. It is the same thread that
// frees what has ended.

package main

import (
	"context"
	"strings"
	"time"

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
	old := "bin:" + mailing
	err := s.rdb.Rename(ctx, mailingKey(mailing), old).Err()
	if err != nil && strings.Contains(err.Error(), "no such key") {
		return nil
	}
	if err != nil {
		return err
	}
	return s.rdb.Expire(ctx, old, time.Second).Err()
}
