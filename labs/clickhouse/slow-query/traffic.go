package slowquery

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"faultlab/internal/clickhouse"
	"faultlab/internal/measure"
)

// A batch has more categories than one INSERT may make partitions of (100),
// since a day of a real shop has.
const (
	batchRows  = 120
	writeEvery = 100 * time.Millisecond
	readEvery  = 200 * time.Millisecond
)

// traffic is the service at work: the shop writes orders, people look at
// reports of last year.
type traffic struct {
	from  source
	asks  []ask
	truth []answers

	// inFlight is held by the writer while a batch is on its way.
	inFlight chan struct{}

	mu    sync.Mutex
	count tally
	next  int     // number of the first order that was never sent
	open  *batch  // to be sent, or sent again
	acked []batch // the server said that they are stored
	cut   []batch // the harness itself broke off sending them: they may be stored

	refusal error // the first of them
}

// batch is orders sent together: which, and when they were made.
type batch struct {
	first int
	at    time.Time
}

// tally counts what the service tried and what it got.
type tally struct{ writes, refused, reads, wrong int }

func (t tally) since(u tally) tally {
	return tally{t.writes - u.writes, t.refused - u.refused, t.reads - u.reads, t.wrong - u.wrong}
}

func percent(part, of int) float64 { return 100 * float64(part) / float64(max(of, 1)) }

// run is the service until ctx ends. What the server refuses is counted, and
// what does not fit the columns' types; another error, a lost connection, is ours.
func (t *traffic) run(ctx context.Context, s *clickhouse.Server) error {
	db, err := s.Open(clickhouse.Harness, 2)
	if err != nil {
		return err
	}
	defer db.Close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return every(ctx, writeEvery, t.writer(db)) })
	g.Go(func() error { return every(ctx, readEvery, t.reader(db)) })
	return g.Wait()
}

// every calls f at a pace until ctx ends.
func every(ctx context.Context, pace time.Duration, f func(context.Context) error) error {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		if err := f(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// writer sends one batch a call, and the same one again until it is accepted.
func (t *traffic) writer(db driver.Conn) func(context.Context) error {
	return func(ctx context.Context) error {
		t.inFlight <- struct{}{}
		defer func() { <-t.inFlight }()
		b := t.batch(time.Now())
		err := insert(ctx, db, t.from.orders(b))
		t.mu.Lock()
		defer t.mu.Unlock()
		switch {
		case err == nil:
			t.count.writes++
			t.acked, t.open = append(t.acked, b), nil
		case clickhouse.Refusal(err) != nil || clickhouse.Mismatch(err):
			t.count.writes++
			t.count.refused++
			t.refusal = cmp.Or(t.refusal, err)
		default:
			t.cut, t.open = append(t.cut, b), nil
			return fmt.Errorf("write orders: %w", err)
		}
		return nil
	}
}

// batch is the one to send now.
func (t *traffic) batch(now time.Time) batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = &batch{orders + t.next, now.UTC().Truncate(time.Millisecond)}
		t.next += batchRows
	}
	return *t.open
}

// orders makes the orders of a batch: of one moment, each of another category.
func (s source) orders(b batch) []order {
	list := make([]order, batchRows)
	for i := range list {
		n := b.first + i
		o := s.order(n)
		o.category, o.created = uint16(n%categories), b.at
		o.day = int(b.at.Sub(firstDay) / (24 * time.Hour))
		list[i] = o
	}
	return list
}

func insert(ctx context.Context, db driver.Conn, list []order) error {
	batch, err := db.PrepareBatch(ctx, "INSERT INTO shop.orders ("+columns+")")
	if err != nil {
		return err
	}
	defer batch.Close()
	for _, o := range list {
		err := batch.Append(o.id, o.user, o.category, firstDay.AddDate(0, 0, o.day), o.cents, o.status, o.address, o.created)
		if err != nil {
			return err
		}
	}
	return batch.Send()
}

// reader looks at one report a call.
func (t *traffic) reader(db driver.Conn) func(context.Context) error {
	n := 0
	return func(ctx context.Context) error {
		i := n % len(t.asks)
		n++
		got, err := askDay(ctx, db, t.asks[i])
		if err != nil && clickhouse.Refusal(err) == nil && !clickhouse.Mismatch(err) {
			return fmt.Errorf("read report: %w", err)
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.count.reads++
		if err != nil || got != t.truth[i].day {
			t.count.wrong++
		}
		return nil
	}
}

// pause returns when the batch that is on its way has arrived: an operator
// needs longer than that from one statement to the next.
func (t *traffic) pause(ctx context.Context) error {
	select {
	case t.inFlight <- struct{}{}:
		<-t.inFlight
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// tally is what was counted so far.
func (t *traffic) tally() tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

// written are the orders that the server acknowledged, and those of which
// nobody knows: refused as the last thing, or broken off.
func (t *traffic) written() (acked, unsure []order) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, b := range t.acked {
		acked = append(acked, t.from.orders(b)...)
	}
	if t.open != nil {
		unsure = t.from.orders(*t.open)
	}
	for _, b := range t.cut {
		unsure = append(unsure, t.from.orders(b)...)
	}
	return acked, unsure
}

// goOn waits for n more writes and reads, and returns what came of those.
func (t *traffic) goOn(ctx context.Context, n int) (tally, error) {
	from := t.tally()
	var got tally
	err := measure.Until(ctx, fmt.Sprintf("the service has tried %d times", n), func(context.Context) (string, bool, error) {
		got = t.tally().since(from)
		return fmt.Sprintf("%d writes, %d reads", got.writes, got.reads), got.writes >= n && got.reads >= n, nil
	})
	return got, err
}
