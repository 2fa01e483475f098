// Package cachepenetration is the lab redis/cache-penetration: what is not there
// can't be cached, so whoever asks for it asks MySQL.
package cachepenetration

import (
	"context"

	"faultlab/internal/lab"
	"faultlab/internal/mysql"
	"faultlab/internal/redis"
	"faultlab/internal/rig"
)

// Lab is the lab.
var Lab = &lab.Lab{
	Name:    "redis/cache-penetration",
	Title:   "MySQL is busy with products that don't exist",
	Level:   lab.Medium,
	Minutes: 60,
	Engines: []string{"redis", "mysql"},
	Memory:  800,
	Disk:    600,
	Notes:   []lab.Source{{File: "002_359b906a1aff0620.txt", First: 164, Last: 169}},
	Fix:     lab.Program(),
	Checks: []lab.Check{
		lab.AtMost("penetration", 0.1).Symptom().
			Else("who asks again for an id that is nowhere asks MySQL again, through the cache"),
		lab.AtMost("cache-misses", 0.3).
			Else("products that are asked for all the time come from MySQL: the cache lost them"),
		lab.Equal("created-unseen", 0).
			Else("a product was not found after its POST was answered, or five minutes after it had come into the table"),
		lab.Equal("imported-unseen", 0).
			Else("what the import wrote into MySQL is not found, five minutes later and after both instances were started anew"),
		lab.Equal("false-negatives", 0).
			Else("a product that was there all the time was said not to be: while an instance started, after Redis had lost keys, or while Redis or MySQL refused"),
		lab.Equal("wrong-answers", 0).
			Else("an answer was neither the product as it is in the table, nor 404 where there is none"),
		lab.AtMost("redis-memory", 16).
			Else("Redis needs much more memory than before: count the bytes by what you keep, and where"),
		lab.AtMost("left-by-scan", 20).
			Else("every id that a scanner thinks of leaves something in Redis for good"),
	},
	New: func(env lab.Env) lab.Run {
		r := rig.New(env)
		grants := map[string][]string{}
		for _, account := range accounts {
			grants[account] = []string{"SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP, CREATE TEMPORARY TABLES ON `shop%`.*"}
		}
		x := &run{
			env:   env,
			redis: redis.New(r, redis.Config{}),
			mysql: mysql.New(r, mysql.Config{Grants: grants}),
		}
		return lab.Run{Rig: r, Seed: x.seed, Fingerprint: x.fingerprint, Measure: x.measure, Play: x.play}
	},
}

// accounts are those of the two instances in MySQL.
var accounts = []string{"web1", "web2"}

type run struct {
	env   lab.Env
	redis *redis.Server
	mysql *mysql.Server
	days  int // measured so far
}

// measure runs the variant's two instances through a day, with a database of
// its own and an empty Redis.
func (x *run) measure(ctx context.Context, v lab.Variant, r *lab.Readings) error {
	d, err := x.open(ctx, v)
	if err != nil {
		return err
	}
	defer d.close()
	for _, step := range []func(context.Context) error{
		d.begin,
		d.deadLinks,
		d.bestSellers,
		d.comeBack,
		d.underWay,
		d.inBetween,
		d.deaf,
		d.killedAfter,
		d.killedBefore,
		d.importNight,
		d.scan,
		d.refused,
		d.evicted,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return d.readings(r)
}
