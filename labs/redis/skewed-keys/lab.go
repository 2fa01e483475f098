// Package skewedkeys is the lab redis/skewed-keys.
package skewedkeys

import (
	"context"

	"faultlab/internal/lab"
	"faultlab/internal/redis"
	"faultlab/internal/rig"
)

// Lab is a cluster of three whose keys all have the same hash tag, so that one
// node has all the data and all the work.
var Lab = &lab.Lab{
	Name:    "redis/skewed-keys",
	Title:   "New stock cards are refused while two Redis nodes are empty",
	Level:   lab.Medium,
	Minutes: 45,
	Engines: []string{"redis"},
	Memory:  256,
	Disk:    256,
	Notes:   []lab.Source{{File: "004_7543862ffd92f53d.txt", First: 1283, Last: 1293}},
	Fix:     lab.Program(),
	Checks: []lab.Check{
		lab.Equal("refused-writes", 0).Symptom().
			Else("the service could not keep a card: a node is at maxmemory while others have room"),
		lab.AtMost("fullest-node", 1.4).Symptom().
			Else("one node holds much more than its share of the data, while others have room"),
		lab.AtMost("busiest-node", 1.4).Symptom().
			Else("one node does much more than its share of the commands"),
		lab.AtMost("biggest-key", 400_000).Symptom().
			Else("one key is still so big that no resharding can move a part of it"),
		lab.AtMost("biggest-slot", 2_000_000).Symptom().
			Else("a few slots hold everything; a slot is the least that can be moved to a node that is added"),
		lab.Equal("lost-cards", 0).
			Else("at the end, read up to a hundred at a time, cards are gone or older than the last one that was put; the program was killed in the middle of its move, and later once more"),
		lab.Equal("wrong-answers", 0).
			Else("a read did not return what the last answered PUT had written, or returned a card that nobody has put; be it through the other instance or while the cards were moved"),
		lab.Equal("moved-too-early", 0).
			Else("GET /moved said 200 while there were cards still to be moved: who deploys starts the second instance then"),
		lab.AtMost("commands-per-read", 1.1).
			Else("a read of one card takes more than one command"),
		lab.AtLeast("commands-per-read", 0.9).Named("reads-ask-redis").
			Else("reads are answered from somewhere else than the cluster; another instance does not see what is written there"),
		lab.AtMost("commands-per-picked-card", 1.1).
			Else("a read of several cards takes more commands than cards"),
		lab.AtMost("reply-bytes-per-read", 2_000).
			Else("a read of one card fetches many others with it"),
		lab.AtMost("memory-per-card", 1_200).
			Else("the cluster keeps more than one copy of a card"),
		lab.Equal("crossslot-errors", 0).
			Else("a command named keys of several slots, and the node refused it"),
	},
	New: func(env lab.Env) lab.Run {
		r := rig.New(env)
		s := &stage{env: env, stock: newStock(env.Seed), cluster: redis.NewCluster(r, redis.ClusterConfig{})}
		return lab.Run{
			Rig:     r,
			Seed:    func(ctx context.Context) error { return s.cluster.Load(ctx, s.stock.commands()) },
			Break:   s.fill,
			Measure: s.measure,
			Play:    s.play,
		}
	},
}
