package slowquery

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/mysql"
)

// What the service sends. It can't be changed by the fix.
const (
	page = "SELECT id, status, amount, create_time FROM orders" +
		" WHERE user_id = ? ORDER BY create_time DESC, id DESC LIMIT 100"
	lookup = "SELECT user_id, status, amount, create_time, address FROM orders WHERE id = ?"
	place  = "INSERT INTO orders (id, user_id, status, amount, create_time, address) VALUES (?, ?, ?, ?, ?, ?)"
	pay    = "UPDATE orders SET status = 'paid' WHERE id = ?"
)

const (
	app     = "app" // the service's account
	writers = 4
	tempo   = 4 * time.Millisecond // between two orders of one writer, if the server keeps up
)

// shop is the service and what it knows for certain: which orders were
// acknowledged to customers.
type shop struct {
	seed uint64
	db   *mysql.Server
	log  func(format string, args ...any)
	plot func(name, unit string, value float64)

	// A writer holds gate while it sends a statement, and a page that is
	// compared with the truth holds all of it.
	gate sync.RWMutex

	mu     sync.Mutex
	past   []order         // as they are now: the service pays some
	fresh  []order         // placed since, and acknowledged
	doubt  map[uint64]bool // sent, and cut off before the server answered
	acks   int             // orders placed or paid
	failed int             // refused by the server

	sent [writers]int // by each writer, which goes on there when it begins anew

	bytes  float64 // of the schema, before the fix
	seen   int     // acks at the last sample
	fixing bool    // a fix has been begun
	looked []looks // at the writers, by statement of the fix
}

// write places and pays orders until ctx ends.
func (s *shop) write(ctx context.Context) error {
	s.know()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return measure.Rate(ctx, 100*time.Millisecond, s.acknowledged, func(perSecond float64) {
			s.plot("orders", "acknowledged per second", perSecond)
		})
	})
	for w := range writers {
		g.Go(func() error { return s.writer(ctx, w) })
	}
	return g.Wait()
}

func (s *shop) acknowledged() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acks
}

func (s *shop) know() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.past == nil {
		s.past = history(s.seed)
		s.doubt = map[uint64]bool{}
	}
}

func (s *shop) writer(ctx context.Context, w int) error {
	conn, err := s.db.DB(app).Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	u, r := pick(s.seed), rand.New(rand.NewPCG(s.seed, uint64(100+w+writers*s.sent[w])))
	return measure.Every(ctx, tempo, func(ctx context.Context) error {
		n := s.sent[w]
		s.sent[w]++
		if err := s.send(ctx, conn, r, u, w, n); err != nil && !mysql.Refused(err) {
			return fmt.Errorf("place an order: %w", err)
		}
		return nil
	})
}

// send places an order, or pays every third time one of its own.
func (s *shop) send(ctx context.Context, conn *sql.Conn, r *rand.Rand, u users, w, n int) error {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if n%3 == 2 {
		at := past - 1 - writers*r.IntN(past/writers) - w // no other writer touches it
		_, err := conn.ExecContext(ctx, pay, s.past[at].id)
		return s.note(err, s.past[at].id, func() { s.past[at].status = "paid" })
	}
	o := order{
		id:     uint64(freshID + n*writers + w),
		user:   []int{u.big, u.newborn, 10_000 + r.IntN(50_000)}[r.IntN(3)],
		status: "new",
		cents:  100 + r.Int64N(100_000),
		made:   now.Add(time.Hour + time.Duration(n)*time.Second/4).UnixMilli(),
	}
	_, err := conn.ExecContext(ctx, place, o.id, o.user, o.status, mysql.Cents(o.cents), time.UnixMilli(o.made).UTC(), o.address())
	return s.note(err, o.id, func() { s.fresh = append(s.fresh, o) })
}

// note keeps what the server acknowledged.
func (s *shop) note(err error, id uint64, ack func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.acks++
		ack()
	case mysql.Refused(err):
		if s.failed++; s.failed == 1 {
			s.log("an order was refused: %v", err)
		}
	default:
		s.doubt[id] = true
	}
	return err
}

// sample looks at the writers while the fix runs. It is blocked when no order
// was acknowledged since the last one and the server says that writers wait
// for a lock: a machine that is merely slow does not count.
func (s *shop) sample(ctx context.Context) error {
	var waiting int
	err := s.db.Admin().QueryRowContext(ctx, `
		SELECT COUNT(*) FROM performance_schema.threads t
		LEFT JOIN information_schema.INNODB_TRX x ON x.trx_mysql_thread_id = t.PROCESSLIST_ID
		WHERE t.PROCESSLIST_USER = ? AND (t.PROCESSLIST_STATE LIKE 'Waiting for %' OR t.PROCESSLIST_STATE LIKE 'User %' OR x.trx_state = 'LOCK WAIT')`, app).Scan(&waiting)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.looked) > 0 {
		now := &s.looked[len(s.looked)-1]
		now.samples++
		if s.acks == s.seen && waiting > 0 {
			now.blocked++
		}
	}
	s.seen = s.acks
	return nil
}

// apply runs the fix under the eyes of sample.
func (s *shop) apply(ctx context.Context, v lab.Variant) error {
	s.mu.Lock()
	s.fixing, s.looked, s.failed = true, nil, 0
	s.mu.Unlock()
	return measure.While(ctx, 20*time.Millisecond, s.sample, func(ctx context.Context) error {
		return s.db.Apply(ctx, v, "fix.sql", func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.looked = append(s.looked, looks{})
		})
	})
}

// looks are samples of the writers, and those of them that were blocked.
type looks struct{ samples, blocked int }

// enough is how many samples a statement must have to be judged by itself:
// half a second of them, if the machine keeps up.
const enough = 25

// worst is the share of blocked samples, in percent, in the statement of the
// fix that held the writers up most. A share of the whole fix could be made as
// small as one likes by waiting after the harm is done. Statements too short to
// be judged one by one are judged together.
func worst(all []looks) float64 {
	var short looks
	share := func(l looks) float64 { return 100 * float64(l.blocked) / float64(max(enough, l.samples)) }
	most := 0.0
	for _, l := range all {
		if l.samples >= enough {
			most = max(most, share(l))
			continue
		}
		short.samples += l.samples
		short.blocked += l.blocked
	}
	return max(most, share(short))
}

// weakened counts what the service relies on and the table does not promise
// any more, and what is left behind that works on every order.
func (s *shop) weakened(ctx context.Context) (n int, err error) {
	err = s.db.Admin().QueryRowContext(ctx, `SELECT
		(SELECT 6 - COUNT(*) FROM information_schema.COLUMNS
		  WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'orders' AND IS_NULLABLE = 'NO' AND (COLUMN_NAME, COLUMN_TYPE) IN (
		    ('id', 'bigint unsigned'), ('user_id', 'int unsigned'), ('status', 'enum(''new'',''paid'',''shipped'')'),
		    ('amount', 'decimal(10,2)'), ('create_time', 'datetime(3)'), ('address', 'varchar(100)'))) +
		-- kept by InnoDB, in files of the schema: else a crash or the disk tells another story
		(SELECT COUNT(*) = 0 FROM information_schema.TABLES
		  WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'orders' AND TABLE_TYPE = 'BASE TABLE' AND ENGINE = 'InnoDB') +
		(SELECT COUNT(*) = 0 FROM information_schema.INNODB_TABLESPACES WHERE NAME = 'shop/orders' OR NAME LIKE 'shop/orders#p#%') +
		-- an id comes once
		(SELECT COUNT(*) = 0 FROM (SELECT INDEX_NAME FROM information_schema.STATISTICS
		  WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'orders' AND NON_UNIQUE = 0
		  GROUP BY INDEX_NAME HAVING COUNT(*) = 1 AND MAX(COLUMN_NAME) = 'id') u) +
		(SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'shop') +
		(SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'shop')`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("read what the table promises: %w", err)
	}
	return n, nil
}

func (s *shop) measure(ctx context.Context, v lab.Variant, r *lab.Readings) error {
	s.know()
	u := pick(s.seed)
	conn, err := s.db.DB(app).Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()

	var most, wrong int64
	var slowest time.Duration
	var dearest int // user
	for _, user := range []int{u.big, u.regular, u.small, u.newborn, u.nobody} {
		cost, took, ok, err := s.page(ctx, conn, user)
		if err != nil {
			return theirs("pages-wrong", fmt.Errorf("page of user %d: %w", user, err))
		}
		if cost.Reads() > most {
			most, dearest = cost.Reads(), user
		}
		slowest = max(slowest, took)
		if !ok {
			wrong++
			r.Note("pages-wrong", "the page of user %d is not what this user's acknowledged orders say", user)
		}
	}
	// A table that can't be asked any more is measured by the pages.
	if plan, err := mysql.Plan(ctx, conn, page, dearest); err == nil {
		r.Note("rows-read", "the page of user %d took the most; EXPLAIN says %s", dearest, plan)
	}
	r.Set("rows-read", "rows for one page", float64(most))
	r.Set("pages-wrong", "of 5 pages", float64(wrong))
	r.Set("page-time", "ms for the slowest page", float64(slowest.Milliseconds()))

	most = 0
	for _, at := range []int{0, past / 3, past - 1} {
		cost, err := mysql.Cost(ctx, conn, func(ctx context.Context) error {
			var user int
			var status, amount, address string
			var made time.Time
			return conn.QueryRowContext(ctx, lookup, s.past[at].id).Scan(&user, &status, &amount, &made, &address)
		})
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return theirs("lookup-reads", fmt.Errorf("order %d: %w", s.past[at].id, err))
		}
		most = max(most, cost.Reads())
	}
	r.Set("lookup-reads", "rows for one order", float64(most))

	indexes, bytes, err := s.db.Size(ctx, "shop")
	if err != nil {
		return err
	}
	if s.bytes == 0 {
		s.bytes = float64(bytes)
	}
	r.Set("new-indexes", "indexes", float64(indexes-1))
	r.Set("size-growth", "× the size before", float64(bytes)/s.bytes)
	r.Set("size", "MiB", float64(bytes>>20))
	names, err := s.db.Indexes(ctx, "shop")
	if err != nil {
		return err
	}
	r.Note("new-indexes", "the schema has %s", names)
	weak, err := s.weakened(ctx)
	if err != nil {
		return err
	}
	r.Set("promises-broken", "promises", float64(weak))
	if s.fixing { // somebody has looked at the writers
		r.Set("writers-blocked", "% of a statement", worst(s.looked))
	}
	return nil
}

// page reads a user's page as the service does, and says what it cost, how
// long it took and whether it shows the truth.
func (s *shop) page(ctx context.Context, conn *sql.Conn, user int) (cost mysql.Status, took time.Duration, ok bool, err error) {
	s.gate.Lock()
	defer s.gate.Unlock()
	var got []order
	cost, err = mysql.Cost(ctx, conn, func(ctx context.Context) error {
		began := time.Now()
		defer func() { took = time.Since(began) }()
		rows, err := conn.QueryContext(ctx, page, user)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			o := order{user: user}
			var amount mysql.Cents
			var made time.Time
			if err := rows.Scan(&o.id, &o.status, &amount, &made); err != nil {
				// A value that is no such thing any more: the column's type was changed.
				return lab.Blame("pages-wrong", err)
			}
			o.cents, o.made = int64(amount), made.UnixMilli()
			got = append(got, o)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, 0, false, err
	}
	return cost, took, slices.Equal(got, s.latest(user)), nil
}

// latest is the truth of a page.
func (s *shop) latest(user int) []order {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []order
	for _, orders := range [][]order{s.past, s.fresh} {
		for _, o := range orders {
			if o.user == user {
				all = append(all, o)
			}
		}
	}
	slices.SortFunc(all, func(a, b order) int {
		return cmp.Or(cmp.Compare(b.made, a.made), cmp.Compare(b.id, a.id))
	})
	return all[:min(100, len(all))]
}

// compare holds every row of the table against what was acknowledged.
func (s *shop) compare(ctx context.Context) (missing, changed int, err error) {
	s.know()
	want := make(map[uint64]uint32, len(s.past)+len(s.fresh))
	for _, o := range slices.Concat(s.past, s.fresh) {
		if !s.doubt[o.id] {
			want[o.id] = o.digest()
		}
	}
	rows, err := s.db.Admin().QueryContext(ctx, `
		SELECT id, CRC32(CONCAT_WS('|', user_id, status, CAST(amount * 100 AS SIGNED),
		  CAST(UNIX_TIMESTAMP(create_time) * 1000 AS SIGNED), address)) FROM orders`)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var id uint64
		var digest uint32
		if err := rows.Scan(&id, &digest); err != nil {
			return 0, 0, err
		}
		// A second row of one id finds nothing and counts as changed, too.
		if d, ok := want[id]; (!ok || d != digest) && !s.doubt[id] {
			changed++
		}
		delete(want, id)
	}
	return len(want), changed, rows.Err()
}

func (s *shop) fingerprint(ctx context.Context) (lab.Fingerprint, error) {
	missing, changed, err := s.compare(ctx)
	if err != nil {
		return nil, err
	}
	if missing+changed > 0 {
		return nil, fmt.Errorf("the seed lacks %d orders and has %d wrong ones", missing, changed)
	}
	return lab.Fingerprint{"orders": fmt.Sprint(past)}, nil
}

func (s *shop) audit(ctx context.Context, _ lab.Fingerprint, r *lab.Readings) error {
	missing, changed, err := s.compare(ctx)
	if err != nil {
		return theirs("orders-missing", fmt.Errorf("read all orders: %w", err))
	}
	r.Set("orders-missing", "orders", float64(missing))
	r.Set("orders-changed", "orders", float64(changed))
	r.Set("orders-added", "orders", float64(len(s.fresh)))
	r.Set("writers-failed", "errors", float64(s.failed))
	return nil
}

// theirs blames what the server refuses after the fix on the fix.
func theirs(check string, err error) error {
	if mysql.Refused(err) {
		return lab.Blame(check, err)
	}
	return err
}
