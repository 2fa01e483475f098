// Package blocking is the lab redis/blocking-commands: three commands that each
// have the server's one thread for themselves, for as long as they take.
package blocking

import (
	"context"

	"faultlab/internal/lab"
	"faultlab/internal/redis"
	"faultlab/internal/rig"
)

// limit is how many elements the server may go through in one command.
const limit = 2_000

// Lab is the lab.
var Lab = &lab.Lab{
	Name:    "redis/blocking-commands",
	Title:   "Three times a day the whole shop stands still",
	Level:   lab.Medium,
	Minutes: 45,
	Engines: []string{"redis"},
	Memory:  256,
	Disk:    200,
	Notes: []lab.Source{
		{File: "002_359b906a1aff0620.txt", First: 142, Last: 147},
		{File: "003_c14889d7a00e23be.txt", First: 50, Last: 56},
		{File: "003_c14889d7a00e23be.txt", First: 250, Last: 264},
	},
	Fix: lab.Program(),
	Checks: []lab.Check{
		lab.AtMost("longest-list", limit).Symptom().
			Else("while a shop's carts are listed, one command goes through so much that everybody waits for it"),
		lab.AtMost("longest-export", limit).Symptom().
			Else("while points are exported, one command goes through so much that everybody waits for it"),
		lab.AtMost("longest-removal", limit).Symptom().
			Else("while a mailing is removed, the server frees so much at once that everybody waits for it"),
		lab.AtMost("longest-other", limit).
			Else("when the program starts, or in its daily work, one command goes through so much that everybody waits for it"),
		lab.Equal("wrong-lists", 0).
			Else("a list of carts lacks a cart, has one twice, or has one that is not there"),
		lab.Equal("wrong-exports", 0).
			Else("an export lacks a customer, has one twice, or has points that the customer never had: twice in the file is paid twice"),
		lab.Equal("wrong-members", 0).
			Else("after a mailing was removed, somebody is still in it; or somebody who was put into it since is not"),
		lab.Equal("wrong-answers", 0).
			Else("a cart or points were not what was last put, be it through the other instance"),
		lab.AtMost("left-behind", slack).
			Else("what was in the removed mailing is still on the server"),
		lab.AtMost("commands-per-answer", manyCommands).
			Else("a list or an export takes thousands of commands; each is a round trip, and all others pay for it, too"),
	},
	New: func(env lab.Env) lab.Run {
		r := rig.New(env)
		s := &stage{env: env, seed: newSeed(env.Seed), redis: redis.New(r, redis.Config{
			// What blocks and what listens would do so again when it is gone through once more.
			Rights: redis.LearnerRights + " -@blocking -@pubsub",
			Settings: []string{
				"slowlog-log-slower-than 5000", "slowlog-max-len 4096",
				"lazyfree-lazy-user-del no", "lazyfree-lazy-expire no", "lazyfree-lazy-server-del no",
				"hash-max-listpack-entries 512", "set-max-listpack-entries 128", "zset-max-listpack-entries 128",
			},
		})}
		return lab.Run{
			Rig:     r,
			Seed:    func(ctx context.Context) error { return s.redis.Load(ctx, s.seed.commands()) },
			Measure: s.measure,
			Play:    s.play,
		}
	},
}
