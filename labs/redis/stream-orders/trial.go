package streamorders

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/redis"
	"faultlab/internal/rig"
)

// How much goes on in one measurement.
const (
	early     = 6   // orders that were paid before the first shop started
	customers = 120 // who pay while the card company is closed
	mostSteps = 8   // at which a shop is killed for an order; none has so many
	calls     = 5   // how often the payment company says something that gets no 200
	tries     = 50  // how often a message comes again in a night
)

// The lab's clock; nothing here is waited for. What is pending grows older by it.
const (
	thinking = 15 * time.Second // of the 20 that the card company may take
	minutes  = 2 * time.Minute
	night    = 8 * time.Hour
	day      = 25 * time.Hour
)

// trial is two shops, with a Redis and companies of their own.
type trial struct {
	*run
	program *fix.Program
	company *company
	rnd     *rand.Rand
	ways    [2]*rig.Proxy // to Redis
	starts  int

	mu       sync.Mutex
	shops    [2]*fix.Service // nil: dead
	orders   []*order
	cardless []*order    // paid, in the evening
	strange  []string    // what was wrong of orders then
	heard    []*callback // in the order in which they were said
}

func (x *run) open(ctx context.Context, v lab.Variant) (*trial, error) {
	x.trials++
	t := &trial{run: x, rnd: rand.New(rand.NewPCG(x.env.Seed, uint64(x.trials)))}
	var err error
	if t.program, err = fix.Build(ctx, v, x.env.Scratch); err != nil {
		return nil, err
	}
	if err := x.redis.Client().FlushAll(ctx).Err(); err != nil {
		return nil, fmt.Errorf("empty redis: %w", err)
	}
	for range early {
		o, err := t.order(ctx)
		if err != nil {
			return nil, err
		}
		if err := t.paidEarly(ctx, o); err != nil {
			return nil, err
		}
	}
	if t.company, err = openCompany(ctx, t.rnd.IntN(10_000_000)); err != nil {
		return nil, err
	}
	for i := range names {
		if t.ways[i], err = x.redis.Proxy(ctx); err == nil {
			err = t.start(ctx, i)
		}
		if err != nil {
			t.close()
			return nil, err
		}
	}
	return t, nil
}

func (t *trial) close() {
	for i := range t.shops {
		if s := t.shop(i); s != nil {
			s.Kill()
		}
		if t.ways[i] != nil {
			_ = t.ways[i].Close()
		}
	}
	t.company.close()
}

// shop is one of the two; nil if it is dead.
func (t *trial) shop(i int) *fix.Service {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.shops[i]
}

// start starts a shop, and has the payment company say again what it has heard no 200 for.
func (t *trial) start(ctx context.Context, i int) error {
	t.starts++
	env := t.redis.Env(t.ways[i])
	maps.Copy(env, map[string]string{"LAB_INSTANCE": names[i], "LAB_CARDS": t.company.addrs[i]})
	s, err := t.program.Listen(ctx, fix.Options{
		Log: filepath.Join(t.env.Scratch, fmt.Sprintf("%d-%s-%d.log", t.trials, names[i], t.starts)),
		Env: env,
	})
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.shops[i] = s
	var unheard []*callback
	for _, c := range t.heard {
		if !c.accepted && c.refusals < calls {
			unheard = append(unheard, c)
		}
	}
	t.mu.Unlock()
	for _, c := range unheard {
		if err := t.send(ctx, c, i); err != nil {
			return err
		}
	}
	return nil
}

// startDead starts the shops that are dead.
func (t *trial) startDead(ctx context.Context) error {
	for i := range names {
		if t.shop(i) == nil {
			if err := t.start(ctx, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// kill ends a shop as a dying machine does. What it was about to send to Redis is lost.
func (t *trial) kill(ctx context.Context, i int) error {
	t.mu.Lock()
	s := t.shops[i]
	t.shops[i] = nil
	alone := t.shops[1-i] == nil
	t.mu.Unlock()
	if s == nil {
		return nil
	}
	s.Kill()
	t.ways[i].Reset()
	t.ways[i].Keep(nil)
	if !alone {
		return nil
	}
	return measure.Until(ctx, "Redis knows that the shops are gone", func(ctx context.Context) (string, bool, error) {
		list, err := t.redis.Client().ClientList(ctx).Result()
		n := strings.Count(list, "user="+redis.Learner)
		return fmt.Sprintf("%d connections", n), n == 0, err
	})
}

func (t *trial) killBoth(ctx context.Context) error {
	for i := range names {
		if err := t.kill(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// back starts a shop that was killed minutes ago.
func (t *trial) back(ctx context.Context, i int) error {
	if err := t.pass(ctx, minutes, 0); err != nil {
		return err
	}
	return t.start(ctx, i)
}

// pass lets time pass in Redis, for what is pending and for what has an end.
func (t *trial) pass(ctx context.Context, d time.Duration, deliveries int) error {
	if err := t.redis.Age(ctx, d, deliveries); err != nil {
		return err
	}
	return t.redis.Pass(ctx, d)
}

// send says something to a shop until it says 200, or the payment company is tired of
// it. If that shop is dead, the other one hears it; if both are, start says it.
func (t *trial) send(ctx context.Context, c *callback, at int) error {
	t.mu.Lock()
	if !c.listed {
		c.listed = true
		t.heard = append(t.heard, c)
	}
	t.mu.Unlock()
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	for {
		s := t.shop(at)
		if s == nil {
			at = 1 - at
			if s = t.shop(at); s == nil {
				return nil
			}
		}
		status, text, err := s.Ask(ctx, http.MethodPost, "/callbacks", string(body))
		if err != nil {
			if t.shop(at) != s && ctx.Err() == nil {
				continue // it was killed meanwhile
			}
			return err
		}
		t.mu.Lock()
		if status == http.StatusOK {
			c.accepted = true
		} else {
			c.refusals++
			c.refused = fmt.Sprintf("%d %s", status, strings.TrimSpace(text))
		}
		done := c.accepted || c.refusals >= calls
		t.mu.Unlock()
		if done {
			return nil
		}
		at = 1 - at
	}
}

// sendAll says many things, to both shops in turns.
func (t *trial) sendAll(ctx context.Context, all []*callback) error {
	return measure.Each(ctx, all, func(ctx context.Context, i int, c *callback) error { return t.send(ctx, c, i%2) })
}

// again says everything that was ever heard once more, in any order, and some of it
// to both shops.
func (t *trial) again(ctx context.Context) error {
	var all []*callback
	for n, i := range t.rnd.Perm(len(t.heard)) {
		c := *t.heard[i]
		if !c.accepted { // the payment company has given up
			continue
		}
		c.accepted, c.refusals = false, 0
		all = append(all, &c)
		if n%5 == 0 {
			d := c
			all = append(all, &d)
		}
	}
	return t.sendAll(ctx, all)
}

// race says two things about an order at once, one to each shop. Both have read what
// they want to read before they may write; the first writes, its card is issued, and
// then the second writes.
func (t *trial) race(ctx context.Context, o *order, first, second *callback) error {
	at := t.rnd.IntN(2)
	for i := range names {
		t.keep(i, o, 1)
	}
	defer t.letGo()
	one, two := *first, *second
	two.listed = first == second // said twice, and heard once
	var w [2]*measure.Wave       // by shop
	w[at] = measure.Send(1, func(int) error { return t.send(ctx, &one, at) })
	w[1-at] = measure.Send(1, func(int) error { return t.send(ctx, &two, 1-at) })
	err := t.soon(ctx, "both shops want to write", func(context.Context) (bool, error) {
		for i, way := range t.ways {
			if way.Kept() == 0 && w[i].Ended() == 0 {
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	t.ways[at].Keep(nil)
	if err := w[at].Wait(ctx); err != nil {
		return err
	}
	if one.Result == paid {
		err := t.soon(ctx, "the card is issued", func(ctx context.Context) (bool, error) { return t.right(ctx, o) })
		if err != nil {
			return err
		}
	}
	t.letGo()
	return w[1-at].Wait(ctx)
}

// keep keeps from Redis the n-th thing that a shop writes about an order.
func (t *trial) keep(shop int, o *order, nth int) {
	n := 0
	t.ways[shop].Keep(func(sent []byte) bool {
		if !writes(sent, o.id) {
			return false
		}
		n++
		return n == nth
	})
}

func (t *trial) letGo() {
	for _, way := range t.ways {
		way.Keep(nil)
	}
}

// killedBefore has an order paid and kills the first shop before it writes the n-th
// thing about it. The order may be through before that.
func (t *trial) killedBefore(ctx context.Context, nth int) (through bool, err error) {
	o, err := t.order(ctx)
	if err != nil {
		return false, err
	}
	before, err := t.redis.Streams(ctx)
	if err != nil {
		return false, err
	}
	t.keep(0, o, nth)
	w := measure.Send(1, func(int) error { return t.send(ctx, o.says(paid), 0) })
	err = t.soon(ctx, "it wants to write, or the order is through", func(ctx context.Context) (bool, error) {
		if t.ways[0].Kept() > 0 || w.Ended() == 0 {
			return t.ways[0].Kept() > 0, nil
		}
		now, err := t.redis.Streams(ctx)
		if err != nil || now.Pending > before.Pending || now.Undelivered > 0 {
			return false, err
		}
		through, err = t.right(ctx, o)
		return through, err
	})
	if err != nil {
		return false, err
	}
	if t.ways[0].Kept() == 0 {
		t.letGo()
		return true, w.Wait(ctx)
	}
	if nth == 1 { // an answer would be a lie; give it time to be told
		if _, err := w.Within(ctx, lie); err != nil {
			return false, err
		}
	}
	if err := t.kill(ctx, 0); err != nil {
		return false, err
	}
	if err := w.Wait(ctx); err != nil {
		return false, err
	}
	return false, t.back(ctx, 0)
}

// killedAsking has an order paid and kills the shop that asks for its card, before or
// after the card is there.
func (t *trial) killedAsking(ctx context.Context, at int, already bool) error {
	o, err := t.order(ctx)
	if err != nil {
		return err
	}
	var killed error
	kill := func(shop int) bool {
		killed = t.kill(ctx, shop)
		return false
	}
	var dead <-chan struct{}
	if already {
		dead = t.signal(o, nil, kill)
	} else {
		dead = t.signal(o, kill, nil)
	}
	defer t.company.watch(nil, nil)
	if err := t.send(ctx, o.says(paid), at); err != nil {
		return err
	}
	if err := t.happens(ctx, dead); err != nil {
		return err
	}
	select {
	case <-dead:
		return killed
	default: // nobody has asked
		return nil
	}
}

// signal has the card company call came or issued when it is first asked for an
// order's card, and tells when they have returned.
func (t *trial) signal(o *order, came, issued func(shop int) bool) <-chan struct{} {
	done := make(chan struct{})
	var called atomic.Bool
	hook := func(f func(int) bool) func(int, string) bool {
		if f == nil {
			return nil
		}
		return func(shop int, order string) bool {
			if order != o.id || called.Swap(true) {
				return true
			}
			defer close(done)
			return f(shop)
		}
	}
	t.company.watch(hook(came), hook(issued))
	return done
}
