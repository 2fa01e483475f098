// fails: longest-removal
// shows: del mailing:
// The set is moved to another database first, and deleted there. A server has
// sixteen databases, and one thread for all of them.

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
	if err := s.rdb.Move(ctx, mailingKey(mailing), 1).Err(); err != nil {
		return err
	}
	conn := s.rdb.Conn()
	defer conn.Close()
	if err := conn.Select(ctx, 1).Err(); err != nil {
		return err
	}
	defer conn.Select(ctx, 0)
	return conn.Del(ctx, mailingKey(mailing)).Err()
}
