// fails: longest-removal
// shows: multi
// The mailing is emptied a thousand members at a time, all in one transaction, so
// that nobody sees half of it. Nobody sees anything else either.

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
	_, err = s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for range n/page + 1 {
			p.SPopN(ctx, mailingKey(mailing), page)
		}
		return nil
	})
	return err
}
