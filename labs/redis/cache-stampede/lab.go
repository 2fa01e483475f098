// Package cachestampede is the lab redis/cache-stampede: a page that everybody
// reads ends in the cache, and everybody builds it.
package cachestampede

import (
	"context"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/mysql"
	"faultlab/internal/redis"
	"faultlab/internal/rig"
)

// Lab is the lab.
var Lab = &lab.Lab{
	Name:    "redis/cache-stampede",
	Title:   "Every ten minutes MySQL builds the same page two hundred times",
	Level:   lab.Medium,
	Minutes: 45,
	Engines: []string{"redis", "mysql"},
	Memory:  650,
	Disk:    500,
	Notes:   []lab.Source{{File: "002_359b906a1aff0620.txt", First: 153, Last: 175}},
	Fix:     lab.Program(),
	Checks: []lab.Check{
		lab.AtMost("rebuilds", 1).Symptom().
			Else("a page that had ended was built more than once: whoever found it missing, at either instance, went to MySQL"),
		lab.AtMost("herd", 150).Symptom().
			Else("pages that were built together end together"),
		lab.Equal("stuck", 0).
			Else("an instance died while it had a page in hand, and ten seconds later others still wait for it"),
		lab.Equal("lock-lost", 0).
			Else("a page was built although another instance was building it: somebody had taken that one's lock away"),
		lab.Equal("stale", 0).
			Else("a page is shown that is older than it may be, and no newer one comes"),
		lab.Equal("others-blocked", 0).
			Else("while one page is built, others can't be"),
		lab.Equal("failed", 0).
			Else("readers were turned away, or shown what is not so"),
	},
	New: func(env lab.Env) lab.Run {
		r := rig.New(env)
		grants := map[string][]string{}
		for _, account := range accounts {
			grants[account] = []string{"SELECT ON shop.*"}
		}
		x := &run{env: env, products: stock(env.Seed), redis: redis.New(r, redis.Config{}), mysql: mysql.New(r, mysql.Config{Grants: grants})}
		return lab.Run{Rig: r, Seed: x.seed, Fingerprint: x.fingerprint, Measure: x.measure, Play: x.play}
	},
}

// accounts are those of the two instances.
var accounts = [2]string{"pages1", "pages2"}

type run struct {
	env      lab.Env
	products []*product
	mysql    *mysql.Server
	redis    *redis.Server
	opened   int // shops so far
}

// measure runs two instances of the variant through a bad hour.
func (x *run) measure(ctx context.Context, v lab.Variant, r *lab.Readings) error {
	s, err := x.open(ctx, v, tenMinutes)
	if err != nil {
		return err
	}
	defer s.close()
	for _, step := range []func(context.Context) error{
		s.inTime(s.rush),
		s.inTime(s.late),
		s.inTime(s.overtaken),
		s.inTime(s.killed),
		s.killedAnywhere,
		s.inTime(s.givesBack),
		s.priceChanges,
		s.together,
		s.byItself,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	s.readings(r)
	return nil
}

// rush has everybody read a page that ended a moment ago. Nobody can have built
// it before all have come: MySQL does not hear of it until then, nor for some
// more time, real time and such that passes for Redis only.
func (s *shop) rush(ctx context.Context, p *product) error {
	const readers = 200
	for _, i := range s.at {
		if err := s.visit(ctx, i, p); err != nil {
			return err
		}
	}
	if err := s.change(ctx, p); err != nil {
		return err
	}
	if err := s.redis.Pass(ctx, s.maxAge); err != nil {
		return err
	}
	return s.counted(ctx, p, func() error {
		s.hold(p, s.at[:]...)
		w := s.read(ctx, p, readers, s.at[:]...)
		if err := s.still(ctx, w, quiet); err != nil {
			return err
		}
		if err := s.pass(ctx, oneSecond, w); err != nil {
			return err
		}
		if err := s.still(ctx, w, atLength); err != nil {
			return err
		}
		s.asks = float64(s.at[0].asked.Load()+s.at[1].asked.Load()) / readers
		s.letGo()
		return s.finish(ctx, w)
	})
}

// late has a reader who looks into the cache, finds nothing, and then is held up,
// while at the other instance another finds nothing, builds the page and is done.
func (s *shop) late(ctx context.Context, p *product) error {
	slow, quick := s.at[0], s.at[1]
	return s.counted(ctx, p, func() error {
		looked := false
		slow.watch(p, nil, func([]byte) bool { was := looked; looked = true; return was })
		first := s.read(ctx, p, 1, slow)
		if err := s.still(ctx, first, quiet); err != nil {
			return err
		}
		second := s.read(ctx, p, 1, quick)
		if err := measure.Soon(ctx, patience, "the other is done", func() bool { return second.Ended() > 0 }); err != nil {
			return err
		}
		s.letGo()
		return s.finish(ctx, first, second)
	})
}

// overtaken has a reader who is held up two commands later: he may believe by then
// that nobody builds the page. At the other instance somebody does.
func (s *shop) overtaken(ctx context.Context, p *product) error {
	slow, quick := s.at[0], s.at[1]
	s.hold(p, quick)
	sent := 0
	slow.watch(p, build, func([]byte) bool { sent++; return sent > 2 })
	first := s.read(ctx, p, 1, slow)
	if err := s.still(ctx, first, quiet); err != nil {
		return err
	}
	second := s.read(ctx, p, 1, quick)
	if err := s.still(ctx, second, quiet); err != nil {
		return err
	}
	slow.redis.Keep(nil)
	if err := s.still(ctx, first, quiet); err != nil {
		return err
	}
	s.built(p, float64(s.kept()))
	s.letGo()
	return s.finish(ctx, first, second)
}

// killed ends an instance while MySQL builds a page for it, and others wait for
// that page. Before, some want other pages.
func (s *shop) killed(ctx context.Context, p *product) error {
	const readers = 20
	s.hold(p, s.at[:]...)
	first := s.read(ctx, p, readers, s.at[0])
	if err := s.still(ctx, first, quiet); err != nil {
		return err
	}
	waiting := s.read(ctx, p, readers, s.at[1])
	if err := s.still(ctx, waiting, quiet); err != nil {
		return err
	}
	if err := s.elsewhere(ctx, p); err != nil {
		return err
	}
	if err := s.counted(ctx, p, func() error { return s.dies(ctx, 0, []*wave{first}, []*wave{waiting}) }); err != nil {
		return err
	}
	return s.start(ctx, 0)
}

// killedAnywhere ends an instance before each of the commands that it sends to Redis
// for a page, and has others read that page.
func (s *shop) killedAnywhere(ctx context.Context) error {
	const most = 8 // commands for a page
	for n := 1; n < most && s.stuck == 0; n++ {
		p, i := s.next(), s.at[n%2]
		sent := 0
		i.redis.Keep(func(b []byte) bool {
			if sent > 0 || p.in(b) {
				sent++
			}
			return sent > n
		})
		first := s.read(ctx, p, 1, i)
		err := measure.Soon(ctx, patience, "the instance sends a command", func() bool { return first.Ended() > 0 || i.redis.Kept() > 0 })
		if err != nil {
			return err
		}
		if first.Ended() > 0 { // without so many
			s.letGo()
			return s.finish(ctx, first)
		}
		if err := s.dies(ctx, n%2, []*wave{first}, nil); err != nil {
			return err
		}
		if err := s.start(ctx, n%2); err != nil {
			return err
		}
	}
	return nil
}

// givesBack holds an instance up that has built a page, and would now delete what
// kept others from it. Meanwhile that runs out, the page ends, and another
// instance builds it.
func (s *shop) givesBack(ctx context.Context, p *product) error {
	slow, other := s.at[0], s.at[1]
	slow.watch(p, nil, func(b []byte) bool { return deletes.Match(b) })
	first := s.read(ctx, p, 1, slow)
	err := measure.Soon(ctx, patience, "the instance deletes something", func() bool { return first.Ended() > 0 || slow.redis.Kept() > 0 })
	if err != nil {
		return err
	}
	if slow.redis.Kept() == 0 {
		s.letGo()
		return s.finish(ctx, first)
	}
	if err := s.redis.Pass(ctx, takeOver); err != nil {
		return err
	}
	if err := s.redis.Client().Del(ctx, p.key()).Err(); err != nil {
		return err
	}
	s.hold(p, other)
	second := s.read(ctx, p, 1, other)
	if err := s.still(ctx, second, quiet); err != nil {
		return err
	}
	s.hold(p, slow) // and Redis hears what it had to say
	if err := s.finish(ctx, first); err != nil {
		return err
	}
	third := s.read(ctx, p, 10, slow)
	if err := s.still(ctx, third, quiet); err != nil {
		return err
	}
	if n := slow.mysql.Kept(); other.mysql.Kept() > 0 && n > s.lost {
		s.lost = n
		s.note("lock-lost", "%s deleted its lock on %s when that had run out and %s had another one: MySQL was building the page for the latter when it was asked for the same by the former, %d times",
			slow.account, p.sku, other.account, n)
	}
	s.letGo()
	return s.finish(ctx, second, third)
}

// priceChanges lets pages that were read become as old as they may, after the
// prices have changed.
func (s *shop) priceChanges(ctx context.Context) error {
	var all []*product
	for range 5 {
		p := s.next()
		for _, i := range s.at {
			if err := s.visit(ctx, i, p); err != nil {
				return err
			}
		}
		if err := s.change(ctx, p); err != nil {
			return err
		}
		all = append(all, p)
	}
	if err := s.redis.Pass(ctx, s.maxAge); err != nil {
		return err
	}
	return s.renewed(ctx, "the harness let ten minutes go by for all keys in Redis", all...)
}

// together builds a thousand pages, as after a restart of Redis, and looks when they will end.
func (s *shop) together(ctx context.Context) error {
	if err := s.redis.Client().FlushAll(ctx).Err(); err != nil {
		return err
	}
	all := s.many(pages)
	err := measure.Each(ctx, all, func(ctx context.Context, n int, p *product) error { return s.visit(ctx, s.at[n%2], p) })
	if err != nil {
		return err
	}
	return s.ends(ctx, all)
}

// byItself starts both anew, with pages that may be a second old, and waits until
// one ends by itself, or what an instance takes for its end, while it is read. No
// second one may be built before the first one is there. Who builds it dies.
func (s *shop) byItself(ctx context.Context) error {
	if s.stale > 0 || s.stuck > 0 {
		return nil // it is known, and would take long
	}
	if err := s.restart(ctx, oneSecond); err != nil {
		return err
	}
	return s.inTime(s.endsAndDies)(ctx)
}

func (s *shop) endsAndDies(ctx context.Context, p *product) error {
	const readers = 25 // twice at each
	for _, i := range s.at {
		if err := s.visit(ctx, i, p); err != nil {
			return err
		}
	}
	if err := s.change(ctx, p); err != nil {
		return err
	}
	s.hold(p, s.at[:]...)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := s.keepReading(ctx, p)
	if err := measure.Soon(ctx, 10*s.maxAge, "an instance builds the page", func() bool { return s.kept() > 0 }); err != nil {
		return err
	}
	owner := 0
	if s.at[1].mysql.Kept() > 0 {
		owner = 1
	}
	if s.kept() > 0 {
		// Some come while the page is there, if it is, and some when it is gone.
		var its, waiting []*wave
		for round := range 2 {
			its = append(its, s.read(ctx, p, readers, s.at[owner]))
			waiting = append(waiting, s.read(ctx, p, readers, s.at[1-owner]))
			for _, w := range []*wave{its[round], waiting[round]} {
				if err := s.still(ctx, w, quiet); err != nil {
					return err
				}
			}
			if round == 0 {
				if err := s.pass(ctx, s.maxAge, its[0], waiting[0]); err != nil {
					return err
				}
			}
		}
		s.built(p, float64(s.kept()))
		if err := s.dies(ctx, owner, its, waiting); err != nil {
			return err
		}
	}
	s.letGo()
	if err := stop(); err != nil || s.stuck > 0 {
		return err
	}
	if err := s.start(ctx, owner); err != nil {
		return err
	}
	return s.renewed(ctx, "the page was read for ten times as long as it may be old", p)
}
