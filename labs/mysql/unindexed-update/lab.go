// Package unindexedupdate is the lab mysql/unindexed-update: a job that locks
// every row of a table to change few of them, and writers who lock what is not
// there.
package unindexedupdate

import (
	"context"
	"fmt"
	"slices"

	"faultlab/internal/lab"
	"faultlab/internal/mysql"
	"faultlab/internal/rig"
)

// Lab is the lab.
var Lab = &lab.Lab{
	Name:    "mysql/unindexed-update",
	Title:   "Every five minutes nobody can put anything into a cart",
	Level:   lab.Medium,
	Minutes: 40,
	Engines: []string{"mysql"},
	Memory:  600,
	Disk:    500,
	Notes: []lab.Source{
		{File: "002_359b906a1aff0620.txt", First: 79, Last: 79},
		{File: "003_c14889d7a00e23be.txt", First: 517, Last: 517},
	},
	Fix: lab.Program(),
	Checks: []lab.Check{
		lab.AtMost("job-locks", 20).Symptom().
			Else("the job locks carts that it has nothing to do with: what a statement looks at, it locks"),
		lab.Equal("writers-blocked", 0).Symptom().
			Else("while the job is at work, customers whose carts are not due get no answer"),
		lab.Equal("puts-failed", 0).Symptom().
			Else("customers were shown \"please try again\", though MySQL was well all the time"),
		lab.Equal("carts-wrong", 0).
			Else("a cart was marked abandoned that is in use, or one that is due was not; or what customers did with theirs is lost"),
		lab.Equal("lines-wrong", 0).
			Else("what is in a cart is not what its customer has put there"),
		lab.Equal("reminders-wrong", 0).
			Else("an abandoned cart's customer was not reminded, or was twice; or somebody whose cart is not abandoned"),
	},
	New: func(env lab.Env) lab.Run {
		r := rig.New(env)
		x := &run{env: env, mysql: mysql.New(r, mysql.Config{Grants: map[string][]string{
			account: {"SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, TRIGGER, LOCK TABLES, CREATE TEMPORARY TABLES ON `shop%`.*"},
		}})}
		return lab.Run{Rig: r, Seed: x.seed, Fingerprint: x.fingerprint, Measure: x.measure, Play: x.play}
	},
}

// account is that of the learner's program.
const account = "carts"

type run struct {
	env   lab.Env
	mysql *mysql.Server
	days  int // measured so far
}

// measure takes the variant's service through a bad quarter of an hour, in a
// database of its own.
func (x *run) measure(ctx context.Context, v lab.Variant, r *lab.Readings) error {
	d, err := x.open(ctx, v)
	if err != nil {
		return err
	}
	defer d.close()
	for _, step := range []func(context.Context, *lab.Readings) error{
		d.comesBack,
		d.killed,
		d.newCustomers,
		d.last,
	} {
		if err := step(ctx, r); err != nil {
			return err
		}
	}
	return d.readings(ctx, r)
}

// comesBack has the customers of the last two carts that are due put something into
// them, and not be done yet when the job gets there. One goes through with it, and
// the other does not: that one's is still due.
func (d *day) comesBack(ctx context.Context, r *lab.Readings) error {
	back, still := d.lastDue(1)
	at := d.tick()
	come := fmt.Sprintf("UPDATE %s.carts SET touched = '%s' WHERE id = ", d.database, stamp(at))
	commit, err := d.hold(ctx, "COMMIT", "BEGIN", come+fmt.Sprint(back.id))
	if err != nil {
		return err
	}
	defer commit()
	rollback, err := d.hold(ctx, "ROLLBACK", "BEGIN", come+fmt.Sprint(still.id))
	if err != nil {
		return err
	}
	defer rollback()
	others, err := d.whileJobWaits(ctx, r, 1, fmt.Sprintf("the customers of the carts %d and %d have come back and are not done yet", still.id, back.id))
	if err != nil {
		return err
	}
	commit()
	rollback()
	back.due, back.touched = 0, at
	d.asked[back] = true
	return others.Wait(ctx)
}

// killed ends the service while its job can't write the last reminder: what it
// has written before must be undone, and what it has told customers must be kept.
func (d *day) killed(ctx context.Context, r *lab.Readings) error {
	c, _ := d.lastDue(2)
	promise, unlock, err := d.putIntoLocked(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	release, err := d.hold(ctx, "ROLLBACK", "BEGIN", fmt.Sprintf("INSERT INTO %s.reminders (cart_id, touched, user_id) VALUES (%d, '%s', %d)", d.database, c.id, stamp(c.touched), c.user))
	if err != nil {
		return err
	}
	defer release()
	others, err := d.whileJobWaits(ctx, r, 2, fmt.Sprintf("the reminder for cart %d has to wait, and so does a customer whose cart somebody has locked", c.id), promise)
	if err != nil {
		return err
	}
	if err := d.kill(ctx); err != nil {
		return err
	}
	unlock()
	release()
	for _, w := range []waiter{others, promise} {
		if err := w.Wait(ctx); err != nil {
			return err
		}
	}
	return d.start(ctx)
}

// newCustomers have carts with nothing in them. All that they put there comes
// behind the last line of the table; one of them presses the button three times. So
// does somebody else, for one more of what they have.
func (d *day) newCustomers(ctx context.Context, _ *lab.Readings) error {
	const clicks = 3
	carts, err := d.newCarts(ctx, 6)
	if err != nil {
		return err
	}
	product := d.product()
	var all []*put
	for _, c := range append(carts, slices.Repeat(carts[2:3], clicks-1)...) {
		all = append(all, d.put(c, product))
	}
	more := d.customers(1)[0]
	all = append(all, more)
	for range clicks - 1 {
		all = append(all, d.put(more.cart, more.product))
	}
	release, err := d.hold(ctx, "COMMIT", "BEGIN",
		fmt.Sprintf("SELECT * FROM %s.cart_lines WHERE cart_id >= %d FOR UPDATE", d.database, carts[0].id),
		fmt.Sprintf("SELECT * FROM %s.cart_lines WHERE cart_id = %d AND product_id = %d FOR UPDATE", d.database, more.cart.id, more.product))
	if err != nil {
		return err
	}
	defer release()
	w := d.send(ctx, all)
	if err := d.await(ctx, w, 0, 0); err != nil {
		return err
	}
	release()
	return w.Wait(ctx)
}

// last has the job run for what the killed one has left, and once more, when there
// is nothing left for it to do. Somebody whose cart is not due is at it meanwhile.
// There always is somebody: a job that waits for a time without them never runs.
func (d *day) last(ctx context.Context, r *lab.Readings) error {
	release, err := d.holdCart(ctx, d.carts[d.nearest(1)[0]])
	if err != nil {
		return err
	}
	defer release()
	if err := d.expire(ctx, 2, release); err != nil {
		return err
	}
	before, err := d.mysql.Account(ctx, account)
	if err != nil {
		return err
	}
	if err := d.expire(ctx, 2, release); err != nil {
		return err
	}
	after, err := d.mysql.Account(ctx, account)
	if err != nil {
		return err
	}
	r.Set("rows-read", "rows, by a job with nothing to do", float64(after.Since(before).Reads()))
	return nil
}
