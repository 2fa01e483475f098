package cachestampede

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/rig"
)

// What the brief promises, and asks for.
const (
	tenMinutes = 10 * time.Minute
	oneSecond  = time.Second
	buildTime  = 3 * time.Second  // that MySQL may need for a page
	takeOver   = 10 * time.Second // after which others go on when an instance has died
	pages      = 1000             // that are built together
	window     = 10 * time.Second // in which not too many of them may end
)

// How long instances that should do something may do nothing. What is right takes
// milliseconds; only wrong ones are waited for.
const (
	patience  = 2 * time.Second        // until they begin
	quiet     = 300 * time.Millisecond // the same, once some have got where they must
	atLength  = 1200 * time.Millisecond
	forgotten = 12 * time.Second // readers who have no answer then will have none
)

// shop is two instances of a variant.
type shop struct {
	*run
	program *fix.Program
	maxAge  time.Duration
	at      [2]*instance
	ways    [2]ways
	starts  int
	rnd     *rand.Rand
	fresh   []*product // nobody has asked for so far
	page    float64    // rows of reviews that MySQL reads for a page

	builds               float64
	stuck, lost, blocked int
	stale, herd          int
	asks                 float64

	mu            sync.Mutex
	failed, asked int
	notes         map[string]string
}

// ways are those of an instance to its servers.
type ways struct{ mysql, redis *rig.Proxy }

// instance is a running program.
type instance struct {
	*fix.Service
	ways
	account string
	asked   atomic.Int64 // times that it has named the watched product to its servers
	dead    atomic.Bool
}

func (x *run) open(ctx context.Context, v lab.Variant, maxAge time.Duration) (*shop, error) {
	x.opened++
	s := &shop{run: x, maxAge: maxAge, notes: map[string]string{}, rnd: rand.New(rand.NewPCG(x.env.Seed, 100+uint64(x.opened)))}
	for _, n := range s.rnd.Perm(len(x.products)) {
		s.fresh = append(s.fresh, x.products[n])
	}
	var err error
	if s.program, err = fix.Build(ctx, v, x.env.Scratch); err != nil {
		return nil, err
	}
	if err := x.redis.Client().FlushAll(ctx).Err(); err != nil {
		return nil, err
	}
	if err := s.weigh(ctx); err != nil {
		return nil, err
	}
	for n := range s.ways {
		if s.ways[n].mysql, err = x.mysql.Proxy(ctx); err != nil {
			return nil, err
		}
		if s.ways[n].redis, err = x.redis.Proxy(ctx); err != nil {
			return nil, err
		}
	}
	if err := s.restart(ctx, maxAge); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *shop) close() {
	for _, i := range s.at {
		if i != nil {
			i.Kill()
		}
	}
}

// restart ends both, and starts them with pages that may be so old.
func (s *shop) restart(ctx context.Context, maxAge time.Duration) error {
	s.close()
	s.maxAge = maxAge
	for n := range s.at {
		if err := s.start(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func (s *shop) start(ctx context.Context, n int) error {
	s.starts++
	i := &instance{account: accounts[n], ways: s.ways[n]}
	env := s.redis.Env(i.redis)
	// A statement is one packet, its values included: what it is can be seen.
	env["LAB_MYSQL_DSN"] = s.mysql.DSNThrough(i.mysql, i.account, "shop") + "&interpolateParams=true"
	env["LAB_MAX_AGE"] = s.maxAge.String()
	var err error
	i.Service, err = s.program.Listen(ctx, fix.Options{
		Log: filepath.Join(s.env.Scratch, fmt.Sprintf("shop-%d-%s-%d.log", s.opened, i.account, s.starts)),
		Env: env,
	})
	if err != nil {
		return err
	}
	s.at[n] = i
	return s.visit(ctx, i, s.next()) // it has connected to its servers
}

// dies ends an instance as a dying machine does, and lets the time pass after
// which others must go on. They are those who wait already, or five who come.
func (s *shop) dies(ctx context.Context, n int, its, waiting []*wave) error {
	i := s.at[n]
	i.dead.Store(true)
	i.Kill()
	i.mysql.Reset()
	i.redis.Reset()
	if err := s.mysql.Drop(ctx, i.account); err != nil {
		return err
	}
	s.letGo()
	for _, w := range its {
		if err := w.Wait(ctx); err != nil {
			return err
		}
	}
	if err := s.redis.Pass(ctx, takeOver); err != nil {
		return err
	}
	if len(waiting) == 0 {
		waiting = append(waiting, s.read(ctx, its[0].product, 5, s.at[1-n]))
	}
	for _, w := range waiting {
		late, err := w.Within(ctx, forgotten)
		if err != nil {
			return err
		}
		if s.stuck += late; late > 0 {
			left, err := s.redis.Client().Keys(ctx, "*"+w.sku+"*").Result()
			if err != nil {
				return err
			}
			s.note("stuck", "%s was killed; %d readers of %s at the other instance have no answer. Of keys that name it, there are in Redis: %q", i.account, late, w.sku, left)
		}
		w.cancel()
		if err := w.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// next is a product that nobody has asked for.
func (s *shop) next() *product {
	p := s.fresh[0]
	s.fresh = s.fresh[1:]
	return p
}

// many are n of these.
func (s *shop) many(n int) (all []*product) {
	all, s.fresh = s.fresh[:n], s.fresh[n:]
	return all
}

// key is where a page is in Redis.
func (p *product) key() string { return "page:" + p.sku }

// in says whether a command names the product.
func (p *product) in(sent []byte) bool { return bytes.Contains(sent, []byte(p.sku)) }

var (
	// locks are statements that build nothing.
	locks = regexp.MustCompile(`(?i)_LOCK\(`)
	// deletes is a command that deletes keys, also in a transaction, but no script.
	deletes = regexp.MustCompile(`(?i)\$(3\r\ndel|6\r\nunlink)\r\n`)
)

// watch counts how often the instance names a product to its servers, and keeps
// what is picked of that from them.
func (i *instance) watch(p *product, mysql, redis func(sent []byte) bool) {
	i.asked.Store(0)
	rule := func(pick func([]byte) bool) func([]byte) bool {
		return func(sent []byte) bool {
			if !p.in(sent) {
				return false
			}
			i.asked.Add(1)
			return pick != nil && pick(sent)
		}
	}
	i.mysql.Keep(rule(mysql))
	i.redis.Keep(rule(redis))
}

// hold keeps MySQL from hearing of a product from these instances.
func (s *shop) hold(p *product, at ...*instance) {
	for _, i := range at {
		i.watch(p, build, nil)
	}
}

// build says whether a statement may build a page.
func build(sent []byte) bool { return !locks.Match(sent) }

// letGo lets all that is kept go on.
func (s *shop) letGo() {
	for _, w := range s.ways {
		w.mysql.Keep(nil)
		w.redis.Keep(nil)
	}
}

// kept is how many builds of a page MySQL would hear of if it could.
func (s *shop) kept() int { return s.ways[0].mysql.Kept() + s.ways[1].mysql.Kept() }

// change gives a product another price.
func (s *shop) change(ctx context.Context, p *product) error {
	price := p.prices[len(p.prices)-1] + 1 + s.rnd.IntN(999)
	if err := s.mysql.Exec(ctx, fmt.Sprintf("UPDATE products SET price = %d WHERE sku = '%s'", price, p.sku)); err != nil {
		return err
	}
	p.prices = append(p.prices, price)
	return nil
}

// errSlow says that a build was held up for longer than the brief allows one to take.
var errSlow = errors.New("the machine was too slow")

// inTime is a step of a product, which is done again where this machine made it
// longer than MySQL may take.
func (s *shop) inTime(step func(context.Context, *product) error) func(context.Context) error {
	return func(ctx context.Context) error {
		const tries = 10
		for range tries {
			if err := step(ctx, s.next()); !errors.Is(err, errSlow) {
				return err
			}
		}
		return lab.Invalidf("this machine is too busy: in %d tries what takes less than a second took more than %s each time", tries, buildTime)
	}
}

// still waits until all of a wave's readers are answered, or wait for something:
// nothing has changed for so long.
func (s *shop) still(ctx context.Context, w *wave, enough time.Duration) error {
	type state struct{ kept, ended int }
	var last state
	since := time.Now()
	err := measure.Until(ctx, "all readers are answered or wait", func(context.Context) (string, bool, error) {
		now := state{ended: w.Ended()}
		silent := false // an instance has done nothing
		for n, i := range s.ways {
			kept := i.mysql.Kept() + i.redis.Kept()
			now.kept += kept
			if slices.Contains(w.at, s.at[n]) && kept == 0 && s.at[n].asked.Load() == 0 {
				silent = true
			}
		}
		if now != last {
			last, since = now, time.Now()
		}
		if s.kept() > 1 && w.age() <= buildTime {
			w.twice = true
		}
		limit := enough
		if now.ended == 0 && (silent || now.kept == 0) {
			limit = max(limit, patience)
		}
		return fmt.Sprintf("%+v of %d", now, w.Size), now.ended == w.Size || time.Since(since) > limit, nil
	})
	if err == nil && w.Ended() < w.Size && w.age() > buildTime && !w.twice {
		s.letGo()
		if err := s.finish(ctx, w); err != nil {
			return err
		}
		return errSlow
	}
	return err
}

// pass lets time go by in Redis while these readers wait.
func (s *shop) pass(ctx context.Context, d time.Duration, waiting ...*wave) error {
	for _, w := range waiting {
		w.passed += d
	}
	return s.redis.Pass(ctx, d)
}

// weigh finds what MySQL reads for a page.
func (s *shop) weigh(ctx context.Context) error {
	before, err := s.rows(ctx)
	if err != nil {
		return err
	}
	var sum int
	p := s.fresh[0]
	if err := s.mysql.Admin().QueryRowContext(ctx, "SELECT SUM(stars) FROM reviews WHERE sku = ?", p.sku).Scan(&sum); err != nil {
		return err
	}
	after, err := s.rows(ctx)
	s.page = after - before
	if err == nil && (sum != p.stars() || s.page == 0) {
		return fmt.Errorf("a page is %d stars and takes %v rows, not %d", sum, s.page, p.stars())
	}
	return err
}

// rows is how many rows of reviews MySQL has read.
func (s *shop) rows(ctx context.Context) (n float64, err error) {
	err = s.mysql.Admin().QueryRowContext(ctx,
		"SELECT COALESCE(SUM(COUNT_FETCH), 0) FROM performance_schema.table_io_waits_summary_by_table WHERE OBJECT_SCHEMA = 'shop' AND OBJECT_NAME = 'reviews'").Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count what MySQL has read: %w", err)
	}
	return n, nil
}

// counted counts how often a product's page is built in f.
func (s *shop) counted(ctx context.Context, p *product, f func() error) error {
	before, err := s.rows(ctx)
	if err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	after, err := s.rows(ctx)
	if err != nil {
		return err
	}
	s.built(p, math.Round(100*(after-before)/s.page)/100)
	return nil
}
