package blocking

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/redis"
	"faultlab/internal/rig"
)

// manyCommands is how many an answer may take.
const manyCommands = 1_000

// slack is how many elements more than it should have a server may have: what a
// program keeps beside the data.
const slack = 1_000

// startLimit ends a program that does not listen.
const startLimit = 2 * time.Minute

// stage is the server and what it is filled with.
type stage struct {
	env   lab.Env
	seed  *seed
	redis *redis.Server
	used  bool // something has changed what the seed left
}

// reset fills the server as the seed left it.
func (s *stage) reset(ctx context.Context) error {
	if s.used {
		if err := s.redis.Client().FlushAllAsync(ctx).Err(); err != nil {
			return fmt.Errorf("empty the server: %w", err)
		}
		if err := s.redis.Load(ctx, s.seed.commands()); err != nil {
			return err
		}
	}
	s.used = true
	return s.redis.Load(ctx, s.seed.gone())
}

// trial is one measurement of one program.
type trial struct {
	*stage
	r    *lab.Readings
	prog *fix.Program
	rnd  *rand.Rand
	// Two instances, each with a way to the server on which the harness comes
	// between what it does.
	one, two service
	ways     [2]*rig.Proxy

	mu sync.Mutex // two instances are asked at a time when one waits in between
	*books
	wrong   map[string]int // by reading
	fresh   int            // names given to new customers
	keeps   int64          // elements that should be on the server
	left    int64          // elements that there were beyond these
	most    int64          // commands for one answer
	slow    int            // commands that are in the slow log
	slowest time.Duration  // of them
}

// measure runs two instances of v through a day, and then does again what the
// server has done, step by step, to see how long each step was.
func (s *stage) measure(ctx context.Context, v lab.Variant, r *lab.Readings) error {
	if err := s.reset(ctx); err != nil {
		return err
	}
	t, err := s.trial(ctx, v, r)
	if err != nil {
		return err
	}
	if err := s.redis.Client().Do(ctx, "SLOWLOG", "RESET").Err(); err != nil {
		return fmt.Errorf("empty the slow log: %w", err)
	}
	calls, err := t.watched(ctx)
	if err != nil {
		return err
	}
	if err := t.slowlog(ctx); err != nil {
		return err
	}
	if err := s.reset(ctx); err != nil {
		return err
	}
	if err := t.again(ctx, calls); err != nil {
		return err
	}
	for _, reading := range []string{"wrong-lists", "wrong-exports", "wrong-members", "wrong-answers"} {
		r.Set(reading, "answers", float64(t.wrong[reading]))
	}
	r.Set("left-behind", "elements", float64(t.left))
	r.Set("commands-per-answer", "commands", float64(t.most))
	r.Set("slow-commands", "in the slow log", float64(t.slow))
	r.Set("slowest", "ms", float64(t.slowest.Milliseconds()))
	return nil
}

func (s *stage) trial(ctx context.Context, v lab.Variant, r *lab.Readings) (*trial, error) {
	prog, err := fix.Build(ctx, v, s.env.Scratch)
	t := &trial{
		stage: s, r: r, prog: prog, rnd: s.seed.rand("trial"),
		books: s.seed.books(), wrong: map[string]int{},
	}
	for i := range t.ways {
		if err == nil {
			t.ways[i], err = s.redis.Proxy(ctx)
		}
	}
	return t, err
}

// watched goes through the day and returns all that the server has executed.
func (t *trial) watched(ctx context.Context) ([]redis.Call, error) {
	m, err := t.redis.Monitor(ctx)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the programs that still run
	for _, part := range []struct {
		mark string // the reading that what is done counts for
		do   func(context.Context) error
	}{
		{"longest-other", t.interrupt},
		{"longest-other", t.open},
		{"longest-other", t.work},
		{"longest-list", t.lists},
		{"longest-other", t.crossing},
		{"longest-list", t.crossed},
		{"longest-export", t.exports},
		{"longest-removal", t.removal},
		{"longest-removal", t.halfway},
		{"longest-removal", t.reopen},
		{"longest-list", t.listAgain},
		{"longest-export", t.exportAgain},
		{"longest-other", t.lookAgain},
	} {
		if err := m.Mark(ctx, part.mark); err != nil {
			return nil, err
		}
		if err := part.do(ctx); err != nil {
			return nil, err
		}
	}
	return m.Stop(ctx)
}

// serve starts an instance and waits until it listens.
func (t *trial) serve(ctx context.Context, way *rig.Proxy) (service, error) {
	s, err := t.start(ctx, way)
	if err != nil {
		return s, err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	return s, s.Listening(ctx)
}

func (t *trial) start(ctx context.Context, way *rig.Proxy) (service, error) {
	p, err := t.prog.Serve(ctx, fix.Options{
		Env: t.redis.Env(way),
		Log: filepath.Join(t.env.Scratch, "program.log"),
	})
	return service{p}, err
}

// interrupt kills a program before it listens, if it has much to do until then.
func (t *trial) interrupt(ctx context.Context) error {
	s, err := t.start(ctx, t.ways[0])
	if err != nil {
		return err
	}
	defer s.Kill()
	limited, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	return t.killed(s, t.ways[0], 30, func() error { return s.Listening(limited) })
}

// killed does what an instance is needed for, and kills the instance when the
// n-th piece of it is about to go on to the server. What it was doing has no end
// then, and is nobody's mistake.
func (t *trial) killed(s service, way *rig.Proxy, n int, do func() error) error {
	reached, dead := make(chan struct{}), make(chan struct{})
	piece := 0
	way.Before(func([]byte) {
		if piece++; piece == n {
			close(reached)
			<-dead
		}
	})
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case <-reached:
		s.Kill()
		close(dead)
		way.Before(nil)
		t.env.Log("the program is killed; what it was asked for: %v", <-done)
		return nil
	case err := <-done:
		way.Before(nil)
		close(dead)
		return err
	}
}

// customerID is how customers are called in what a program sends to the server.
var customerID = regexp.MustCompile(`c[0-9]{8}`)

// open starts the first instance, and the second while customers are about: five
// carts are dropped just when the second one is about to say something of them.
func (t *trial) open(ctx context.Context) (err error) {
	if t.one, err = t.serve(ctx, t.ways[0]); err != nil {
		return err
	}
	const drops = 5
	where := map[string]string{} // customer → shop
	for shop, carts := range t.carts {
		for customer := range carts.of {
			where[customer] = shop
		}
	}
	var dropped int
	var failed error
	t.ways[1].Before(func(sent []byte) {
		for _, customer := range customerID.FindAllString(string(sent), -1) {
			shop, ok := where[customer]
			if !ok || dropped == drops || failed != nil {
				continue
			}
			delete(where, customer)
			dropped++
			failed = t.dropCart(ctx, t.one, shop, customer)
			return // one for each piece
		}
	})
	t.two, err = t.serve(ctx, t.ways[1])
	t.ways[1].Before(nil)
	if err != nil {
		return err
	}
	return failed
}

// during asks for something, and does something else just before the instance's
// n-th piece of it goes on to the server; afterwards, if there are fewer.
func (t *trial) during(ask func() error, way *rig.Proxy, n int, do func() error) error {
	var once sync.Once
	var failed error
	piece := 0
	way.Before(func([]byte) {
		if piece++; piece == n {
			once.Do(func() { failed = do() })
		}
	})
	err := ask()
	way.Before(nil)
	once.Do(func() { failed = do() })
	if err != nil {
		return err
	}
	return failed
}

// work is what the shop does all day.
func (t *trial) work(ctx context.Context) error {
	const times = 40
	for i := range times {
		a, b := t.either(i), t.either(i+1)
		shop := t.seed.shops[t.rnd.IntN(shops)]
		has := t.carts[shop].pick(t.rnd)
		for _, customer := range []string{has, t.newcomer()} {
			for _, step := range []func() error{
				func() error { return t.seeCart(ctx, a, shop, customer) },
				func() error { return t.putIntoCart(ctx, b, shop, customer) },
				func() error { return t.seeCart(ctx, a, shop, customer) },
			} {
				if err := step(); err != nil {
					return err
				}
			}
		}
		if err := t.dropCart(ctx, a, shop, has); err != nil {
			return err
		}
		if err := t.seeCart(ctx, b, shop, has); err != nil {
			return err
		}
		shop = t.seed.shops[0]
		has = t.points[shop].pick(t.rnd)
		for _, customer := range []string{has, t.newcomer()} {
			if err := t.setPoints(ctx, a, shop, customer); err != nil {
				return err
			}
			if err := t.seePoints(ctx, b, shop, customer); err != nil {
				return err
			}
		}
		if err := t.dropPoints(ctx, b, shop, has); err != nil {
			return err
		}
		if err := t.seePoints(ctx, a, shop, has); err != nil {
			return err
		}
		for _, mailing := range t.seed.mailings {
			for _, customer := range []string{t.mailings[mailing].pick(t.rnd), t.newcomer()} {
				if err := t.seeMember(ctx, a, mailing, customer); err != nil {
					return err
				}
				if err := t.addMember(ctx, b, mailing, customer); err != nil {
					return err
				}
				if err := t.seeMember(ctx, a, mailing, customer); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// either is one of the two instances in turn.
func (t *trial) either(i int) service {
	if i%2 == 0 {
		return t.one
	}
	return t.two
}

// lists has carts listed while customers go on; and again, when they have gone on
// at the other instance.
func (t *trial) lists(ctx context.Context) error {
	for i, shop := range t.seed.shops[:4] {
		busy := func(at service) error {
			for range 5 {
				if err := t.putIntoCart(ctx, at, shop, t.carts[shop].pick(t.rnd)); err != nil {
					return err
				}
				if err := t.putIntoCart(ctx, at, shop, t.newcomer()); err != nil {
					return err
				}
				if err := t.dropCart(ctx, at, shop, t.carts[shop].pick(t.rnd)); err != nil {
					return err
				}
			}
			return nil
		}
		ask := func() error { return t.listCarts(ctx, t.one, shop) }
		if err := t.during(ask, t.ways[0], 2+i, func() error { return busy(t.two) }); err != nil {
			return err
		}
		if err := t.listCarts(ctx, t.two, shop); err != nil {
			return err
		}
		for i := range 2 {
			if err := busy(t.either(i)); err != nil {
				return err
			}
			if err := t.listCarts(ctx, t.either(i+1), shop); err != nil {
				return err
			}
		}
	}
	return nil
}

// crossing has a cart written through one instance, and the same one through the
// other just before the first one says the second, or the third, thing to the
// server. Which of the two was last is for the program to say.
func (t *trial) crossing(ctx context.Context) error {
	for i, shop := range t.crossedShops() {
		for range 4 {
			there, coming := t.carts[shop].pick(t.rnd), t.newcomer()
			drop := func(s service, customer string) func() error {
				return func() error { return s.dropCart(ctx, shop, customer) }
			}
			put := func(s service, customer string) func() error {
				return func() error { return s.putIntoCart(ctx, shop, customer, "b70000", "1") }
			}
			if err := t.during(drop(t.one, there), t.ways[0], 2+i, put(t.two, there)); err != nil {
				return err
			}
			if err := t.during(put(t.one, coming), t.ways[0], 2+i, drop(t.two, coming)); err != nil {
				return err
			}
			for _, customer := range []string{there, coming} {
				cart, has, err := t.two.cart(ctx, shop, customer)
				if err != nil {
					return err
				}
				if delete(t.carts[shop].of, customer); has {
					t.carts[shop].set(customer, cart)
				}
			}
		}
	}
	return nil
}

// crossedShops are those in which customers write from two sides at a time.
func (t *trial) crossedShops() []string { return t.seed.shops[4:6] }

// crossed lists what was written from two sides.
func (t *trial) crossed(ctx context.Context) error {
	for _, shop := range t.crossedShops() {
		if err := t.listCarts(ctx, t.two, shop); err != nil {
			return err
		}
	}
	return nil
}

// exports has points exported while a shop loses customers, so many that the
// table of what is left shrinks, if it is still one.
func (t *trial) exports(ctx context.Context) error {
	for i, shop := range append([]string{t.seed.shops[0]}, t.seed.thin()...) {
		busy := func() error {
			for range 10 {
				if err := t.setPoints(ctx, t.two, shop, t.points[shop].pick(t.rnd)); err != nil {
					return err
				}
			}
			if i > 0 {
				for len(t.points[shop].of) > thinTable/8-10 {
					if err := t.dropPoints(ctx, t.two, shop, t.points[shop].pick(t.rnd)); err != nil {
						return err
					}
				}
			}
			if err := t.setPoints(ctx, t.two, shop, t.newcomer()); err != nil {
				return err
			}
			return t.lookups(ctx, shop)
		}
		ask := func() error { return t.exportPoints(ctx, t.one, shop) }
		if err := t.during(ask, t.ways[0], 2+i%3, busy); err != nil {
			return err
		}
	}
	shop := t.seed.shops[0]
	for i := range 3 { // the second one, the first one, the second one again
		if err := t.setPoints(ctx, t.either(i), shop, t.points[shop].pick(t.rnd)); err != nil {
			return err
		}
		if err := t.exportPoints(ctx, t.either(i+1), shop); err != nil {
			return err
		}
	}
	return nil
}

// lookups are what a table that changes its size needs to be through with it: it
// moves a bucket or some with each.
func (t *trial) lookups(ctx context.Context, shop string) error {
	p := t.redis.Client().Pipeline()
	for i := range thinTable / 4 {
		p.HExists(ctx, pointsKey(shop), fmt.Sprint(i))
	}
	if _, err := p.Exec(ctx); err != nil && !redis.IsReply(err) { // the program has another layout
		return fmt.Errorf("look up points: %w", err)
	}
	return nil
}

// removal drops last year's mailing and sends it anew to some.
func (t *trial) removal(ctx context.Context) error {
	mailing := t.seed.mailings[0]
	before, err := t.redis.Elements(ctx)
	if err != nil {
		return err
	}
	all := t.mailings[mailing]
	var old []string
	for range 200 {
		old = append(old, all.pick(t.rnd))
	}
	t.mailings[mailing] = newBook[bool]()
	if err := t.one.dropMailing(ctx, mailing); err != nil {
		return err
	}
	see := func() error {
		for i, customer := range old {
			if err := t.seeMember(ctx, t.either(i), mailing, customer); err != nil {
				return err
			}
		}
		return nil
	}
	if err := see(); err != nil {
		return err
	}
	for i, customer := range old[:100] {
		if err := t.addMember(ctx, t.either(i), mailing, customer); err != nil {
			return err
		}
	}
	t.keeps = before - int64(len(all.of)-len(t.mailings[mailing].of))
	if err := t.forgotten(ctx); err != nil {
		return err
	}
	return see()
}

// halfway kills an instance that drops the other mailing, if that takes it more
// than one thing to say to the server. Whoever wanted it asks the other instance.
func (t *trial) halfway(ctx context.Context) error {
	mailing := t.seed.mailings[1]
	all := t.mailings[mailing]
	t.mailings[mailing] = newBook[bool]()
	err := t.killed(t.one, t.ways[0], 3, func() error { return t.one.dropMailing(ctx, mailing) })
	if err != nil {
		return err
	}
	if err := t.two.dropMailing(ctx, mailing); err != nil {
		return err
	}
	for range 10 {
		if err := t.seeMember(ctx, t.two, mailing, all.pick(t.rnd)); err != nil {
			return err
		}
		if err := t.addMember(ctx, t.two, mailing, t.newcomer()); err != nil {
			return err
		}
	}
	t.keeps -= int64(len(all.of) - len(t.mailings[mailing].of))
	return nil
}

// reopen ends both instances and starts a new one.
func (t *trial) reopen(ctx context.Context) (err error) {
	t.one.Kill()
	t.two.Kill()
	if t.one, err = t.serve(ctx, nil); err != nil {
		return err
	}
	return t.forgotten(ctx)
}

// forgotten waits until the server has no more elements than it should, as long
// as there are ever fewer of them.
func (t *trial) forgotten(ctx context.Context) error {
	const patience = 3 * time.Second
	var least int64
	var since time.Time
	err := measure.Until(ctx, "the mailing is gone", func(ctx context.Context) (string, bool, error) {
		now, err := t.redis.Elements(ctx)
		if err != nil {
			return "", false, err
		}
		if since.IsZero() || now < least {
			least, since = now, time.Now()
		}
		return fmt.Sprintf("%d elements, not %d", now, t.keeps), least <= t.keeps+slack || time.Since(since) > patience, nil
	})
	t.left = max(t.left, least-t.keeps)
	return err
}

// listAgain lists carts when nobody does anything else.
func (t *trial) listAgain(ctx context.Context) error {
	for _, shop := range t.seed.shops[1:12] {
		if err := t.listCarts(ctx, t.one, shop); err != nil {
			return err
		}
	}
	return t.count(ctx, "a list", func() error { return t.listCarts(ctx, t.one, t.seed.shops[0]) })
}

// exportAgain does so with points.
func (t *trial) exportAgain(ctx context.Context) error {
	for _, shop := range t.seed.thin() {
		if err := t.exportPoints(ctx, t.one, shop); err != nil {
			return err
		}
	}
	return t.count(ctx, "an export", func() error { return t.exportPoints(ctx, t.one, t.seed.shops[0]) })
}

// count says how many commands an answer takes.
func (t *trial) count(ctx context.Context, what string, ask func() error) error {
	begin, err := t.redis.Counters(ctx)
	if err != nil {
		return err
	}
	if err := ask(); err != nil {
		return err
	}
	end, err := t.redis.Counters(ctx)
	if err != nil {
		return err
	}
	took := end.Since(begin)
	if t.most = max(t.most, took.Work()); took.Work() > manyCommands {
		t.r.Note("commands-per-answer", "%s of the largest shop took %s", what, took)
	}
	return nil
}

// lookAgain compares some of everything.
func (t *trial) lookAgain(ctx context.Context) error {
	for range 50 {
		shop := t.seed.shops[t.rnd.IntN(shops)]
		if err := t.seeCart(ctx, t.one, shop, t.carts[shop].pick(t.rnd)); err != nil {
			return err
		}
		shop = t.seed.shops[0]
		if err := t.seePoints(ctx, t.one, shop, t.points[shop].pick(t.rnd)); err != nil {
			return err
		}
		for _, mailing := range t.seed.mailings {
			if err := t.seeMember(ctx, t.one, mailing, t.mailings[mailing].pick(t.rnd)); err != nil {
				return err
			}
		}
	}
	return nil
}
