// Package fullresync is the lab redis/full-resync.
package fullresync

import (
	"faultlab/internal/lab"
	"faultlab/internal/redis"
	"faultlab/internal/rig"
)

// Lab is a primary and its replica in another data centre. Every cut of the line
// between them ends in a copy of everything, and a rebuilt replica never comes up.
var Lab = &lab.Lab{
	Name:    "redis/full-resync",
	Title:   "Thirty seconds without the line, and the replica starts all over",
	Level:   lab.Medium,
	Minutes: 40,
	Engines: []string{"redis"},
	Memory:  400,
	Disk:    400,
	Notes:   []lab.Source{{File: "000_4137646a037103e8.txt", First: 116, Last: 119}},
	Fix:     lab.Scripts("primary.redis", "replica.redis"),
	Checks: []lab.Check{
		lab.Equal("full-resyncs", 0).Symptom().
			Else("After a cut that the line is allowed to have, the primary could not send what the replica had missed, and sent everything."),
		lab.Equal("full-resyncs-switched", 0).Symptom().
			Else("After the monthly switchover the other server is the primary, and there a cut ends in a full copy as before."),
		lab.AtMost("copies", 1).Symptom().
			Else("A replica that needs everything does not get it in one go while the shop writes at its peak: the primary hangs up in the middle of the copy, and the replica begins again."),
		lab.Equal("writes-refused", 0).
			Else("The shop was refused writes: customers could not put anything into their carts."),
		lab.AtMost("memory-peak", 80).
			Else("While the replica did not read, the primary took more memory than its machine has for it. The kernel would have ended it."),
		lab.Equal("primary-wrong", 0).
			Else("Carts are lost or wrong on the primary."),
		lab.Equal("replica-wrong", 0).
			Else("The replica does not have the carts that the primary has."),
		lab.Equal("settings-loosened", 0).
			Else("A setting that others rely on is not as it was."),
	},
	New: func(env lab.Env) lab.Run {
		r := rig.New(env)
		c := redis.Config{Settings: settings, Rights: redis.LearnerRights + " +config|set +config|rewrite +config|resetstat +replicaof +slaveof +role +failover +client|kill"}
		c.Name = "primary"
		primary := redis.New(r, c)
		c.Name = "replica"
		s := newShop(env, primary, redis.NewReplica(r, primary, c))
		return lab.Run{
			Rig:       r,
			Seed:      s.fill,
			Load:      s.traffic,
			Settle:    s.settle,
			Measure:   s.measure,
			Apply:     s.apply,
			Integrity: s.audit,
		}
	},
}

// settings are what redis.conf says on both servers.
var settings = []string{
	"maxmemory 50mb",
	"maxmemory-policy noeviction",
	"repl-backlog-size 1mb",
	"repl-backlog-ttl 10",
	`client-output-buffer-limit "replica" 4mb 2mb 10`,
	"repl-timeout 60",
	// Redis 8.0 would send a copy and what is written meanwhile side by side. The
	// shop's servers do as they did with Redis 7.
	"repl-rdb-channel no",
	"repl-diskless-sync yes",
}
