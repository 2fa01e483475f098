// Package staleread is the lab mysql/stale-read: written on the source, not
// yet there on the replica.
package staleread

import (
	"context"
	"fmt"

	"faultlab/internal/lab"
	"faultlab/internal/mysql"
	"faultlab/internal/rig"
)

// Lab is the lab.
var Lab = &lab.Lab{
	Name:    "mysql/stale-read",
	Title:   "Customers order twice because they don't see their order",
	Level:   lab.Medium,
	Minutes: 40,
	Engines: []string{"mysql"},
	Memory:  1200,
	Disk:    1000,
	Notes: []lab.Source{
		{File: "004_7543862ffd92f53d.txt", First: 3660, Last: 3736},
		{File: "004_7543862ffd92f53d.txt", First: 23908, Last: 24006},
	},
	Fix: lab.Program(),
	Checks: []lab.Check{
		lab.Equal("stale-reads", 0).Symptom().
			Else("an app was shown what was there before its own write, or before another's that the replica had"),
		lab.Equal("unanswered", 0).Symptom().
			Else("reads or writes got no answer, though the source was well all the time"),
		lab.AtLeast("replica-share", 80).
			Else("lists did not come from the replica alone while it had all that their apps had written; the source has no capacity for them"),
	},
	New: func(env lab.Env) lab.Run {
		r := rig.New(env)
		grants := map[string][]string{app: {
			"SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX ON `shop%`.*", "REPLICATION CLIENT ON *.*",
		}}
		source := mysql.New(r, mysql.Config{Name: "source", BufferPool: 128, Grants: grants})
		replica := mysql.New(r, mysql.Config{Name: "replica", BufferPool: 128, Grants: grants, Source: source})
		x := &run{env: env, source: source, replica: replica}
		return lab.Run{Rig: r, Seed: x.seed, Fingerprint: x.fingerprint, Measure: x.measure, Play: x.play}
	},
}

// app is the account of the learner's program.
const app = "app"

type run struct {
	env             lab.Env
	source, replica *mysql.Server
	days            int // measured so far
}

// measure takes the variant's two instances through a bad day, in a database
// of its own. The source is well all the time.
func (x *run) measure(ctx context.Context, v lab.Variant, r *lab.Readings) error {
	d, err := x.open(ctx, v)
	if err != nil {
		return err
	}
	defer d.close()
	for _, step := range []func(context.Context) error{
		d.healthy,
		d.behind,
		d.stopped,
		d.gone,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	d.readings(r)
	return nil
}

// healthy has apps that write once and then read, after the replica has got
// what they wrote. One only reads. Meanwhile the warehouse cancels something.
func (d *day) healthy(ctx context.Context) error {
	for n := range 10 {
		s := d.session()
		if n > 0 {
			if err := d.write(ctx, s); err != nil {
				return err
			}
			if err := d.replica.CatchUp(ctx); err != nil {
				return err
			}
		}
		if err := d.readWell(ctx, s); err != nil {
			return err
		}
		if err := d.cancelled(ctx, s); err != nil {
			return err
		}
		if err := d.replica.CatchUp(ctx); err != nil {
			return err
		}
		if err := d.readWell(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// readWell reads five times, and says where.
func (d *day) readWell(ctx context.Context, s *session) error {
	for range 5 {
		before, err := d.rows(ctx)
		if err != nil {
			return err
		}
		if err := d.read(ctx, s); err != nil {
			return err
		}
		after, err := d.rows(ctx)
		if err != nil {
			return err
		}
		d.well++
		source, replica := after.source-before.source, after.replica-before.replica
		// What is read on the replica while the source answers serves nobody. How
		// many rows a list takes is the router's affair.
		if source == 0 && replica > 0 {
			d.byReplica++
		} else if d.elsewhere == "" {
			d.elsewhere = fmt.Sprintf("to show user %d %d orders, %d rows were read on the source and %d on the replica",
				s.user, len(s.orders), source, replica)
		}
	}
	return nil
}

// behind keeps the replica from applying what it has received, while an app
// writes and reads. It is behind by one transaction.
func (d *day) behind(ctx context.Context) error {
	for range 8 {
		s := d.session()
		release, err := d.hold(ctx)
		if err != nil {
			return err
		}
		defer release()
		if err := d.write(ctx, s); err != nil {
			return err
		}
		goal, err := d.source.Executed(ctx)
		if err != nil {
			return err
		}
		if err := d.replica.Received(ctx, goal); err != nil {
			return err
		}
		if err := d.readTwice(ctx, s); err != nil {
			return err
		}
		release()
		if err := d.replica.CatchUp(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stopped is a replica that answers, and no longer follows its source.
func (d *day) stopped(ctx context.Context) error {
	if err := d.replica.Exec(ctx, "STOP REPLICA"); err != nil {
		return err
	}
	for range 4 {
		s := d.session()
		for range 2 {
			if err := d.write(ctx, s); err != nil {
				return err
			}
		}
		if err := d.readTwice(ctx, s); err != nil {
			return err
		}
	}
	if err := d.replica.Exec(ctx, "START REPLICA"); err != nil {
		return err
	}
	return d.replica.CatchUp(ctx)
}

// gone is a replica that nobody can reach.
func (d *day) gone(ctx context.Context) error {
	if err := d.way.Close(); err != nil {
		return err
	}
	for n := range 4 {
		s := d.session()
		if n > 1 {
			if err := d.write(ctx, s); err != nil {
				return err
			}
		}
		if err := d.readTwice(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
