// Package replicationlag is the lab mysql/replication-lag.
package replicationlag

import (
	"context"

	"faultlab/internal/lab"
	"faultlab/internal/mysql"
	"faultlab/internal/rig"
)

// Lab is the lab.
var Lab = &lab.Lab{
	Name:    "mysql/replication-lag",
	Title:   "The replica is hours behind every morning",
	Level:   lab.Medium,
	Minutes: 30,
	Engines: []string{"mysql"},
	Memory:  1200,
	Disk:    1500,
	Notes: []lab.Source{
		{File: "004_7543862ffd92f53d.txt", First: 3660, Last: 3736},
		{File: "002_359b906a1aff0620.txt", First: 94, Last: 112},
		{File: "003_c14889d7a00e23be.txt", First: 568, Last: 568},
	},
	Fix: lab.Scripts("replica.sql", "source.sql", "service.properties"),
	Checks: []lab.Check{
		lab.AtMost("rows-per-change", 10).Symptom().
			Else("For every row that the batch changes, the replica still reads many to find it. The batch and the table both grow, and the lag grows with their product."),
		lab.Better("rows-per-change", 100).
			Else("The replica does not find a changed row a hundred times more cheaply than before."),
		lab.Equal("transactions-missing", 0).
			Else("The replica has not executed all that its source has: replication stands still."),
		lab.Equal("transactions-extra", 0).
			Else("The replica has transactions of its own that its source does not know. At the next failover they come back, or stop replication."),
		lab.Equal("replica-wrong", 0).
			Else("Points or deltas on the replica are wrong or missing: it skipped changes, or made them to other rows, though it claims to be up to date."),
		lab.Equal("source-wrong", 0).
			Else("Points or deltas are gone or wrong on the source itself."),
		lab.Equal("schema-drift", 0).
			Else("The two servers' tables differ, or a column is not what the batch and the app know. Either server may be the source tomorrow, and a new replica is made from the source: the trouble comes back with it."),
		lab.Equal("settings-loosened", 0).
			Else("A server may now lose committed transactions in a crash or a restart, the replica can be written to, or it follows its source less closely than before."),
		lab.AtLeast("replica-reads", 90).
			Else("Customers' reads went to the source, which has no capacity for them."),
		lab.AtMost("alarm-after", 30).
			Else("The alarm was made deaf; the points are as old as before."),
	},
	New: func(env lab.Env) lab.Run {
		r := rig.New(env)
		dba := []string{
			"ALL ON shop.*", "SELECT ON performance_schema.*",
			"PROCESS, RELOAD, REPLICATION CLIENT ON *.*",
			"SYSTEM_VARIABLES_ADMIN, REPLICATION_SLAVE_ADMIN, CONNECTION_ADMIN ON *.*",
		}
		grants := map[string][]string{
			mysql.Learner: dba,
			app:           {"SELECT ON shop.*"},
			batch:         {"SELECT, INSERT, UPDATE ON shop.*"},
		}
		source := mysql.New(r, mysql.Config{Name: "source", BufferPool: 128, Grants: grants})
		replica := mysql.New(r, mysql.Config{Name: "replica", BufferPool: 128, Grants: grants, Source: source})
		s := &shop{seed: env.Seed, source: source, replica: replica}
		return lab.Run{
			Rig: r,
			Seed: func(ctx context.Context) error {
				if err := source.Exec(ctx, tables...); err != nil {
					return err
				}
				_, err := source.Load(ctx, "points", "account_id, program, tier, balance, updated_at, profile", load(env.Seed))
				if err != nil {
					return err
				}
				return replica.CatchUp(ctx)
			},
			Fingerprint: s.fingerprint,
			Settle:      s.settle,
			Measure:     s.measure,
			Apply:       s.apply,
			Integrity:   s.audit,
		}
	},
}
