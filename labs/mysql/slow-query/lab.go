// Package slowquery is the lab mysql/slow-query.
package slowquery

import (
	"context"

	"faultlab/internal/lab"
	"faultlab/internal/mysql"
	"faultlab/internal/rig"
)

// Lab is the lab.
var Lab = &lab.Lab{
	Name:    "mysql/slow-query",
	Title:   "The page of recent orders times out",
	Level:   lab.Easy,
	Minutes: 20,
	Engines: []string{"mysql"},
	Memory:  700,
	Disk:    1500,
	Notes: []lab.Source{
		{File: "004_7543862ffd92f53d.txt", First: 2049, Last: 2107},
		{File: "004_7543862ffd92f53d.txt", First: 1412, Last: 1416},
		{File: "004_7543862ffd92f53d.txt", First: 310, Last: 316},
	},
	Fix: lab.Scripts("fix.sql"),
	Checks: []lab.Check{
		lab.AtMost("rows-read", 200).Symptom().
			Else("Some user's page still makes the server read far more rows than the 100 that it shows. Look at EXPLAIN for the user with most orders, and for one with few."),
		lab.Better("rows-read", 1000).
			Else("The page is not a thousand times cheaper than before."),
		lab.AtMost("lookup-reads", 4).
			Else("Opening one order by its id used to read one row and now reads many."),
		lab.Equal("pages-wrong", 0).
			Else("A page does not show the user's latest orders any more."),
		lab.Equal("orders-missing", 0).
			Else("Orders that customers placed are no longer in the table orders."),
		lab.Equal("orders-changed", 0).
			Else("Orders are in the table twice, or not as customers placed them."),
		lab.AtMost("writers-blocked", 50).
			Else("While a statement of the fix ran, nobody could place or pay an order."),
		lab.Equal("writers-failed", 0).
			Else("While the fix ran, placing or paying an order ended in an error."),
		lab.Equal("promises-broken", 0).
			Else("The table orders is not what the service relies on any more: its columns and their types, InnoDB in a file of its own, an id that comes once; or triggers or events were left behind."),
		lab.AtMost("new-indexes", 2).
			Else("Every index is written with every order; the service can afford two more."),
		lab.AtMost("size-growth", 1.8).
			Else("The disk has no room for that: the schema may grow to 1.8 times its size."),
	},
	New: func(env lab.Env) lab.Run {
		r := rig.New(env)
		s := &shop{seed: env.Seed, log: env.Log, plot: env.Sample, db: mysql.New(r, mysql.Config{Grants: map[string][]string{
			mysql.Learner: {"ALL ON shop.*", "PROCESS ON *.*", "SELECT ON performance_schema.*"},
			app:           {"SELECT, INSERT, UPDATE ON shop.*"},
		}})}
		return lab.Run{
			Rig: r,
			Seed: func(ctx context.Context) error {
				if err := s.db.Exec(ctx, table); err != nil {
					return err
				}
				_, err := s.db.Load(ctx, "orders", "id, user_id, status, amount, create_time, address", load(history(env.Seed)))
				return err
			},
			Fingerprint: s.fingerprint,
			Load:        s.write, // customers go on ordering and paying
			Settle:      s.db.Analyze("orders"),
			Measure:     s.measure,
			Apply:       s.apply,
			Integrity:   s.audit,
		}
	},
}
