package unindexedupdate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/mysql"
)

// How long a service that should do something may do nothing. What is right takes
// milliseconds; only wrong ones are waited for.
const (
	patience = 10 * time.Second
	quiet    = 2 * time.Second // the same, when all wait for somebody else in MySQL
)

// day is the service and a database of its own.
type day struct {
	*run
	database string
	program  *fix.Program
	service  *fix.Service
	dead     atomic.Pointer[fix.Service] // the one that was killed
	starts   int

	rnd     *rand.Rand
	now     time.Time
	carts   []*cart // by id, from 1
	puts    []*put
	asked   map[*cart]bool // who has put something into it already
	job     error          // what the service last said of a job that it did not do
	left    int            // carts that were due and open when the service said that it was done, at the most
	locks   float64        // the most for each cart that was due
	locksAt string         // and when that was
	writers int            // that came while the job was held
	blocked int            // of these
	before  mysql.Status
}

// put is what a customer puts into a cart, and what became of it.
type put struct {
	cart    *cart
	product int64
	at      time.Time

	mu     sync.Mutex
	status int // 0: not answered, as the service was killed
	answer string
}

type waiter interface{ Wait(context.Context) error }

func (x *run) open(ctx context.Context, v lab.Variant) (*day, error) {
	x.days++
	d := &day{
		run:      x,
		database: fmt.Sprintf("shop_%d", x.days),
		rnd:      rand.New(rand.NewPCG(x.env.Seed, uint64(x.days))),
		now:      today,
		asked:    map[*cart]bool{},
	}
	d.carts = generate(d.rnd)
	var err error
	if d.program, err = fix.Build(ctx, v, x.env.Scratch); err != nil {
		return nil, err
	}
	if err := x.create(ctx, d.database, d.carts); err != nil {
		return nil, err
	}
	if d.before, err = d.count(ctx); err != nil {
		return nil, err
	}
	return d, d.start(ctx)
}

func (d *day) close() {
	if d.service != nil {
		d.service.Kill()
	}
}

func (d *day) start(ctx context.Context) (err error) {
	d.starts++
	d.service, err = d.program.Listen(ctx, fix.Options{
		Log: filepath.Join(d.env.Scratch, fmt.Sprintf("%s-%d.log", d.database, d.starts)),
		Env: map[string]string{"LAB_MYSQL_DSN": d.mysql.DSNIn(account, d.database)},
	})
	return err
}

// kill ends the service as a dying machine does: MySQL rolls back what it had not
// committed.
func (d *day) kill(ctx context.Context) error {
	d.dead.Store(d.service)
	d.service.Kill()
	return d.mysql.Drop(ctx, account)
}

// hold locks something on a connection of its own. Whoever has locked the whole
// table is not waited for.
func (d *day) hold(ctx context.Context, free string, statements ...string) (release func(), err error) {
	release, err = d.mysql.Hold(ctx, free, append([]string{"SET SESSION lock_wait_timeout = 5"}, statements...)...)
	return release, theirs(err)
}

// lastDue are the two that a run comes to last, the last one first.
func (d *day) lastDue(run int) (last, other *cart) {
	for _, c := range d.carts {
		if c.due == run {
			last, other = c, last
		}
	}
	return last, other
}

// tick is a moment later than all before.
func (d *day) tick() time.Time {
	d.now = d.now.Add(time.Duration(1+d.rnd.IntN(2000)) * time.Millisecond)
	return d.now
}

// product is one that nobody has in their cart.
func (d *day) product() int64 { return 5000 + d.rnd.Int64N(1000) }

// put is that a customer wants one piece.
func (d *day) put(c *cart, product int64) *put {
	p := &put{cart: c, product: product, at: d.tick()}
	d.puts = append(d.puts, p)
	d.asked[c] = true
	return p
}

// customers are some whose carts are not due, each with one piece more of what
// they have: n who are shopping, and half as many whose carts were abandoned long
// ago. A few have the ids next to those that the job comes to last.
func (d *day) customers(n int) (all []*put) {
	const neighbours = 5
	want := map[string]int{"open": n, "abandoned": n / 2}
	for i, of := range append(d.nearest(neighbours), d.rnd.Perm(len(d.carts))...) {
		c := d.carts[of]
		if d.shopping(c) && (i < neighbours || want[c.state] > 0) {
			want[c.state]--
			for product := range c.lines {
				all = append(all, d.put(c, product))
			}
		}
		if len(all) == n+n/2 {
			break
		}
	}
	return all
}

// shopping says whether a cart is not due, has something in it, and nobody in this
// run has put anything into it so far.
func (d *day) shopping(c *cart) bool {
	lately := c.state == "abandoned" || c.state == "open" && c.touched.After(today.Add(-12*time.Hour))
	return c.due == 0 && lately && len(c.lines) > 0 && !d.asked[c]
}

// nearest are n such carts with the highest ids, as places in the list.
func (d *day) nearest(n int) (places []int) {
	for i := len(d.carts) - 1; len(places) < n; i-- {
		if d.shopping(d.carts[i]) {
			places = append(places, i)
		}
	}
	return places
}

func (d *day) send(ctx context.Context, all []*put) *measure.Wave {
	return measure.Send(len(all), func(i int) error {
		p := all[i]
		status, answer, err := d.ask(ctx, "/put", map[string]any{
			"cart": p.cart.id, "product": p.product, "quantity": 1, "at": stamp(p.at),
		})
		p.mu.Lock()
		defer p.mu.Unlock()
		p.status, p.answer = status, answer
		return err
	})
}

// ask sends a request. A service that was killed meanwhile has said nothing.
func (d *day) ask(ctx context.Context, path string, request any) (status int, answer string, err error) {
	body, err := json.Marshal(request)
	if err != nil {
		return 0, "", err
	}
	s := d.service
	status, answer, err = s.Ask(ctx, http.MethodPost, path, string(body))
	if err != nil && d.dead.Load() == s && ctx.Err() == nil {
		return 0, "", nil
	}
	if status == 0 { // of one that lives
		status = -1
	}
	return status, strings.TrimSpace(answer), err
}

// runJob has the job run once. It may leave some that are locked, but not say that
// it is done before it is.
func (d *day) runJob(ctx context.Context, run, locked int) *measure.Wave {
	return measure.Send(1, func(int) error {
		status, answer, err := d.ask(ctx, "/expire", map[string]any{"before": stamp(before(run))})
		if d.job = nil; err != nil || status != http.StatusOK {
			d.job = fmt.Errorf("%d %s", status, answer)
			return err
		}
		var left int
		err = d.mysql.Admin().QueryRowContext(ctx, fmt.Sprintf(
			"SELECT COUNT(*) FROM %s.carts WHERE state = 'open' AND touched < '%s'", d.database, stamp(before(run)))).Scan(&left)
		d.left = max(d.left, left-locked)
		return theirs(err)
	})
}

// expire has the job run until it says that it is done, as it does every five
// minutes. Whom it waits for is let go: what that does to others was seen before.
func (d *day) expire(ctx context.Context, run int, release func()) error {
	for range 3 {
		job := d.runJob(ctx, run, 0)
		if err := d.await(ctx, job, 0, 0); err != nil {
			return err
		}
		if job.Ended() < job.Size {
			release()
		}
		if err := job.Wait(ctx); err != nil || d.job == nil {
			return err
		}
	}
	return nil // what it has not done is in no table
}

// whileJobWaits starts the job, which comes to something that the harness has
// locked; counts what it has locked itself; and lets customers come whose carts are
// not due. What it returns ends when the harness lets go.
func (d *day) whileJobWaits(ctx context.Context, r *lab.Readings, run int, what string, before ...*measure.Wave) (waiter, error) {
	waiting := 0
	for _, w := range before {
		waiting += w.Size - w.Ended()
	}
	job := d.runJob(ctx, run, 2)
	if err := d.await(ctx, job, waiting, 0); err != nil {
		return nil, err
	}
	waiting += job.Size - job.Ended()
	if err := d.countLocks(ctx, run, what); err != nil {
		return nil, err
	}
	all := d.customers(20)
	w := d.send(ctx, all)
	if err := d.await(ctx, w, waiting, quiet); err != nil {
		return nil, err
	}
	late := w.Size - w.Ended()
	shut, err := d.noNewCart(ctx)
	if err != nil {
		return nil, err
	}
	d.writers += w.Size + 1
	d.blocked += late + shut
	if late+shut > 0 {
		r.Note("writers-blocked", "while %s: of %d customers of other carts %d wait; of new carts, %d of 1", what, w.Size, late, shut)
	}
	return waiters{job, w}, d.countLocks(ctx, run, what)
}

type waiters []waiter

func (all waiters) Wait(ctx context.Context) error {
	for _, w := range all {
		if err := w.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// await waits until all calls of a wave are answered, or wait in MySQL for what is
// locked, and have done so for a while. Others waited there before. A service
// that keeps them waiting elsewhere is waited for with patience.
func (d *day) await(ctx context.Context, w *measure.Wave, others int, still time.Duration) error {
	last, since := [2]int{-1, -1}, time.Now()
	return measure.Until(ctx, "the service answers, or waits for what is locked", func(ctx context.Context) (string, bool, error) {
		left := w.Size - w.Ended() // before it is asked who waits: nobody is counted twice
		waiting, err := d.mysql.Waiting(ctx, account)
		if err != nil {
			return "", false, err
		}
		if now := [2]int{left, waiting}; now != last {
			last, since = now, time.Now()
		}
		limit := patience
		if waiting >= left+others {
			limit = still
		}
		return fmt.Sprintf("of %d calls %d are not answered, and %d connections wait", w.Size, left, waiting), left == 0 || time.Since(since) >= limit, nil
	})
}

func (d *day) countLocks(ctx context.Context, run int, what string) error {
	n, err := d.mysql.Locks(ctx, account)
	if err != nil {
		return err
	}
	due := 0
	for _, c := range d.carts {
		if c.due == run {
			due++
		}
	}
	if each := float64(n) / float64(due); each > d.locks {
		d.locks = each
		d.locksAt = fmt.Sprintf("while %s: %d carts are due, and the service holds %d locks on rows", what, due, n)
	}
	return nil
}

// noNewCart is 1 if nobody can get a cart.
func (d *day) noNewCart(ctx context.Context) (int, error) {
	c, err := d.newCart(ctx)
	if refused := (*driver.MySQLError)(nil); errors.As(err, &refused) && refused.Number == 1205 { // lock wait timeout
		return 1, nil
	}
	if err != nil {
		return 0, theirs(err)
	}
	d.carts = append(d.carts, c)
	return 0, nil
}

func (d *day) newCarts(ctx context.Context, n int) (all []*cart, err error) {
	for range n {
		c, err := d.newCart(ctx)
		if err != nil {
			return nil, theirs(err)
		}
		all = append(all, c)
	}
	d.carts = append(d.carts, all...)
	return all, nil
}

// newCart is what another service of the shop does when somebody comes. It waits
// for no lock longer than a second.
func (d *day) newCart(ctx context.Context) (*cart, error) {
	conn, err := d.mysql.Admin().Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	c := &cart{user: 900_000 + int64(len(d.carts)), state: "open", touched: d.tick(), lines: map[int64]int{}}
	if _, err := conn.ExecContext(ctx, "SET SESSION innodb_lock_wait_timeout = 1, SESSION lock_wait_timeout = 1"); err != nil {
		return nil, err
	}
	res, err := conn.ExecContext(ctx, fmt.Sprintf("INSERT INTO %s.carts (user_id, state, touched) VALUES (%d, '%s', '%s')", d.database, c.user, c.state, stamp(c.touched)))
	if _, err := conn.ExecContext(ctx, "SET SESSION innodb_lock_wait_timeout = DEFAULT, SESSION lock_wait_timeout = DEFAULT"); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	c.id, err = res.LastInsertId()
	return c, err
}

// putIntoLocked has a customer put something into a cart that somebody else has
// locked: who is told that it is there, although it can't be, must find it there.
// Others need not wait for that.
func (d *day) putIntoLocked(ctx context.Context) (w *measure.Wave, unlock func(), err error) {
	p := d.customers(1)
	if unlock, err = d.holdCart(ctx, p[0].cart); err != nil {
		return nil, nil, err
	}
	w = d.send(ctx, p)
	return w, unlock, d.await(ctx, w, 0, 0)
}

// holdCart has somebody look at a cart in a transaction that stays open.
func (d *day) holdCart(ctx context.Context, c *cart) (release func(), err error) {
	return d.hold(ctx, "ROLLBACK", "BEGIN", fmt.Sprintf("SELECT id FROM %s.carts WHERE id = %d FOR UPDATE", d.database, c.id))
}

// theirs blames the service for what an account that may do everything could not do.
func theirs(err error) error {
	var refused *driver.MySQLError
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Number {
	case 1205, 3572: // lock wait timeout, lock nowait
		return lab.Blame("writers-blocked", fmt.Errorf("something stays locked while no job runs: %w", err))
	case 1049, 1054, 1136, 1146, 1364, 3819: // no such database, column, table; columns without a value; check
		return lab.Blame("carts-wrong", fmt.Errorf("the tables are not what they were: %w", err))
	}
	return err
}
