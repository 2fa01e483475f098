package consumerlag

import (
	"context"
	"fmt"
	"time"

	"faultlab/internal/kafka"
	"faultlab/internal/lab"
)

// compare reads the group's offsets and then the table: rows that come in
// between can't make the offsets look ahead of them.
func (s *service) compare(ctx context.Context) (committed []int64, rows map[order]int, err error) {
	if committed, err = s.kafka.Committed(ctx, s.group, s.topic); err != nil {
		return nil, nil, err
	}
	found, err := s.table().QueryContext(ctx, "SELECT order_no, user_id, cents FROM "+s.database+".orders")
	if err != nil {
		return nil, nil, s.gone(err)
	}
	defer found.Close()
	rows = map[order]int{}
	for found.Next() {
		var o order
		if err := found.Scan(&o.Number, &o.User, &o.Cents); err != nil {
			return nil, nil, lab.Blame("lost", fmt.Errorf("read orders: %w", err))
		}
		rows[o]++
	}
	return committed, rows, found.Err()
}

// missing is how many orders below the committed offsets are not in the table,
// and which is the first.
func (s *service) missing(committed []int64, rows map[order]int) (n int, first string) {
	for p, orders := range s.truth {
		if p >= len(committed) {
			break
		}
		for at, o := range orders[:max(0, min(committed[p], int64(len(orders))))] {
			if rows[o] > 0 {
				continue
			}
			if n++; n == 1 {
				first = fmt.Sprintf("order %d, at offset %d of partition %d, was not in MySQL when the group had committed %d", o.Number, at, p, committed[p])
			}
		}
	}
	return n, first
}

// doubled is how many rows there are beyond one for each order, and of which
// there is one.
func (s *service) doubled(rows map[order]int) (n int, one string) {
	for _, count := range rows {
		n += count
	}
	for p, orders := range s.truth {
		for at, o := range orders {
			if rows[o] > 0 {
				n--
			}
			if rows[o] > 1 {
				one = fmt.Sprintf("order %d, at offset %d of partition %d, is there %d times", o.Number, at, p, rows[o])
			}
		}
	}
	return n, one
}

// sample looks once how far the group's offsets are ahead of the table.
func (s *service) sample(ctx context.Context) error {
	committed, rows, err := s.compare(ctx)
	if err != nil {
		return err
	}
	if n, first := s.missing(committed, rows); n > s.ahead {
		s.ahead, s.aheadAt = n, first
	}
	return nil
}

// watch looks for so long, or until the offsets have run ahead.
func (s *service) watch(ctx context.Context, long time.Duration) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(long); time.Now().Before(end); {
		if err := s.sample(ctx); err != nil || s.ahead > 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// interval is long enough for the writer to commit once more: twice the time
// between its offset commits. One that has not made any so far makes them by a
// timer; Java's is five seconds.
func (s *service) interval() time.Duration {
	const longest = 8 * time.Second
	n := s.front.Seen(kafka.APIOffsetCommit) - s.commits
	if n == 0 {
		return longest
	}
	return min(max(time.Second, 2*time.Since(s.started)/time.Duration(n)), longest)
}
