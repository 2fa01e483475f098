package main

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// A mailing is sets of the customers who have got it.
func mailingName(mailing string) string { return "got:" + mailing }

func (s *store) addToMailing(ctx context.Context, mailing, customer string) error {
	return s.rdb.SAdd(ctx, bucket(mailingName(mailing), customer), customer).Err()
}

// inMailing returns redis.Nil for a customer who is not in it.
func (s *store) inMailing(ctx context.Context, mailing, customer string) error {
	in, err := s.rdb.SIsMember(ctx, bucket(mailingName(mailing), customer), customer).Result()
	if err == nil && !in {
		err = redis.Nil
	}
	return err
}

// dropMailing forgets who has got it. It may then be sent anew.
func (s *store) dropMailing(ctx context.Context, mailing string) error {
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		each(mailingName(mailing), func(key string) { p.Del(ctx, key) })
		return nil
	})
	return err
}
