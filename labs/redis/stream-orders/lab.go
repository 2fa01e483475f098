// Package streamorders is the lab redis/stream-orders: a callback says that an order
// is paid, a stream carries it, and a card is issued; somebody dies in between.
package streamorders

import (
	"context"

	"faultlab/internal/lab"
	"faultlab/internal/redis"
	"faultlab/internal/rig"
)

// Lab is the lab.
var Lab = &lab.Lab{
	Name:    "redis/stream-orders",
	Title:   "Paid and no card, paid once and two cards",
	Level:   lab.Hard,
	Minutes: 60,
	Engines: []string{"redis"},
	Memory:  128,
	Disk:    128,
	Notes:   []lab.Source{{File: "000_4137646a037103e8.txt", First: 66, Last: 74}},
	Fix:     lab.Program(),
	Checks: []lab.Check{
		lab.Equal("no-card", 0).Symptom().
			Else("customers have paid and have no card"),
		lab.Equal("too-many-cards", 0).Symptom().
			Else("cards were issued that nobody has paid for: a second one for an order, or one for an order whose payment failed"),
		lab.Equal("wrong-status", 0).Symptom().
			Else("an order says something else than what became of it"),
		lab.Equal("pending", 0).Symptom().
			Else("in the end, with all shops alive and nothing to do, something waits in a stream that nobody will ever do"),
		lab.Equal("needless-calls", 0).
			Else("the card company was asked for a card that it was just being asked for by a shop that lives, or that it had answered for; it takes money for that"),
		lab.AtMost("stream-length", 100).Symptom().
			Else("what is done stays in the stream, and so the stream grows for ever"),
	},
	New: func(env lab.Env) lab.Run {
		r := rig.New(env)
		x := &run{env: env, redis: redis.New(r, redis.Config{})}
		return lab.Run{Rig: r, Measure: x.measure, Play: x.play}
	},
}

// names are those of the two shops.
var names = [2]string{"shop-1", "shop-2"}

type run struct {
	env    lab.Env
	redis  *redis.Server
	trials int // measured so far
}

// measure runs the variant's two shops through a bad day, and the day after it.
func (x *run) measure(ctx context.Context, v lab.Variant, r *lab.Readings) error {
	t, err := x.open(ctx, v)
	if err != nil {
		return err
	}
	defer t.close()
	for _, step := range []func(context.Context) error{
		t.atOnce,
		t.otherAttempts,
		t.slow,
		t.odd,
		t.outage,
		t.killedAtEachStep,
		t.killedForGood,
		t.settle,
		t.evening,
		t.nextDay,
		t.settle,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return t.readings(ctx, r)
}

// atOnce has each callback come to both shops at once, and one of them is slower:
// what it has read is old when it writes.
func (t *trial) atOnce(ctx context.Context) error {
	t.company.still(true)
	for range 3 {
		o, err := t.order(ctx)
		if err != nil {
			return err
		}
		c := o.says(paid)
		if err := t.race(ctx, o, c, c); err != nil {
			return err
		}
	}
	return nil
}

// otherAttempts has customers who try again after a payment that failed, and
// callbacks of different attempts that come at once, or in the wrong order.
func (t *trial) otherAttempts(ctx context.Context) error {
	for _, turns := range [][]string{{failed}, {failed, paid}, {paid, failed}} {
		o, err := t.order(ctx)
		if err != nil {
			return err
		}
		for _, result := range turns {
			if err := t.send(ctx, o.says(result), t.rnd.IntN(2)); err != nil {
				return err
			}
		}
	}
	for _, turns := range [][]string{{paid, failed}, {failed, paid}} {
		o, err := t.order(ctx)
		if err != nil {
			return err
		}
		if err := t.race(ctx, o, o.says(turns[0]), o.says(turns[1])); err != nil {
			return err
		}
	}
	return nil
}

// slow has the card company think for a while. Nobody else may begin what a shop
// that lives has begun.
func (t *trial) slow(ctx context.Context) error {
	o, err := t.order(ctx)
	if err != nil {
		return err
	}
	defer t.company.still(false)
	asked, release := make(chan struct{}), make(chan struct{})
	t.signal(o, func(int) bool { close(asked); <-release; return true }, nil)
	defer t.company.watch(nil, nil)
	if err := t.send(ctx, o.says(paid), 0); err != nil {
		close(release)
		return err
	}
	err = t.happens(ctx, asked)
	if err == nil {
		err = t.pass(ctx, thinking, 0)
	}
	if err == nil {
		err = t.looks(ctx)
	}
	close(release)
	if err != nil {
		return err
	}
	return t.soon(ctx, "the card is issued", func(ctx context.Context) (bool, error) { return t.right(ctx, o) })
}

// odd has orders for which the card company answers something strange.
func (t *trial) odd(ctx context.Context) error {
	for range 2 { // the card is issued, and the answer gets lost
		o, err := t.order(ctx)
		if err != nil {
			return err
		}
		lost := t.signal(o, nil, func(int) bool { return false })
		if err := t.send(ctx, o.says(paid), t.rnd.IntN(2)); err != nil {
			return err
		}
		if err := t.happens(ctx, lost); err != nil {
			return err
		}
		t.company.watch(nil, nil)
	}
	o, err := t.order(ctx)
	if err != nil {
		return err
	}
	o.refused = true
	t.company.refuse(o.id)
	return t.send(ctx, o.says(paid), t.rnd.IntN(2))
}

// outage has the card company closed for a night, while customers pay.
func (t *trial) outage(ctx context.Context) error {
	t.company.serves(false)
	var said []*callback
	for range customers {
		o, err := t.order(ctx)
		if err != nil {
			return err
		}
		said = append(said, o.says(paid))
	}
	if err := t.sendAll(ctx, said); err != nil {
		return err
	}
	for round := range 2 { // what has failed comes again
		err := t.soon(ctx, "the shops try", func(context.Context) (bool, error) {
			return t.company.turnedAway() > round*customers, nil
		})
		if err != nil {
			return err
		}
		if err := t.pass(ctx, night/2, tries); err != nil {
			return err
		}
	}
	t.company.serves(true)
	return t.settle(ctx)
}

// killedAtEachStep kills the only shop that lives before it writes anything about an
// order, before it writes the second thing, the third, until an order is through;
// and while it asks for a card, before and after there is one. Each time it comes back.
func (t *trial) killedAtEachStep(ctx context.Context) error {
	if err := t.killBoth(ctx); err != nil { // so that what comes goes to the one that is started
		return err
	}
	if err := t.start(ctx, 0); err != nil {
		return err
	}
	for step := 1; step <= mostSteps; step++ {
		through, err := t.killedBefore(ctx, step)
		if err != nil {
			return err
		}
		if through {
			break
		}
	}
	for _, already := range []bool{false, true} {
		if err := t.killedAsking(ctx, 0, already); err != nil {
			return err
		}
		if err := t.back(ctx, 0); err != nil {
			return err
		}
	}
	return t.start(ctx, 1)
}

// killedForGood kills the shop that asks for a card, and leaves it dead until the next
// day: the other one must do its work.
func (t *trial) killedForGood(ctx context.Context) error {
	if err := t.killedAsking(ctx, t.rnd.IntN(2), false); err != nil {
		return err
	}
	return t.pass(ctx, minutes, 0)
}

// nextDay has the payment company say everything again, in any order, some of it to
// both shops. They have been started anew, and the card company has forgotten which
// keys it has seen.
func (t *trial) nextDay(ctx context.Context) error {
	if err := t.killBoth(ctx); err != nil {
		return err
	}
	if err := t.startDead(ctx); err != nil {
		return err
	}
	if err := t.redis.Pass(ctx, day); err != nil {
		return err
	}
	t.company.forget()
	t.company.still(true)
	return t.again(ctx)
}
