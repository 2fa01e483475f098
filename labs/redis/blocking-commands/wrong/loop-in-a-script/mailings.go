// fails: longest-removal
// shows: eval
// The mailing is emptied some members at a time, in a script. Each of its commands
// is short, and nobody comes between them.

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
	return s.rdb.Eval(ctx, "while #redis.call('SPOP', KEYS[1], 1000) > 0 do end return 1", []string{mailingKey(mailing)}).Err()
}
