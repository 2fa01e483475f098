// Package implicitcast is the lab mysql/implicit-cast.
package implicitcast

import (
	"context"

	"faultlab/internal/lab"
	"faultlab/internal/mysql"
	"faultlab/internal/rig"
)

// Lab is the lab.
var Lab = &lab.Lab{
	Name:    "mysql/implicit-cast",
	Title:   "Every call of a customer reads all customers",
	Level:   lab.Easy,
	Minutes: 20,
	Engines: []string{"mysql"},
	Memory:  700,
	Disk:    1200,
	Notes: []lab.Source{
		{File: "002_359b906a1aff0620.txt", First: 58, Last: 62},
		{File: "004_7543862ffd92f53d.txt", First: 1418, Last: 1424},
		{File: "004_7543862ffd92f53d.txt", First: 4156, Last: 4160},
	},
	Fix: lab.Scripts("schema.sql", "caller.sql", "day.sql"),
	Checks: []lab.Check{
		lab.AtMost("caller-rows", 5).Symptom().
			Else("To find one customer by the number that calls, the server still reads many."),
		lab.Equal("callers-wrong", 0).Symptom().
			Else("For some number the hotline is shown a customer whose number it is not, or not the one whose it is."),
		lab.AtMost("day-waste", 20).Symptom().
			Else("To add up one day, the server still reads orders of other days."),
		lab.Equal("days-wrong", 0).
			Else("A day's orders are not counted right: all from its first moment to its last, and none of the next day; those that came after your statements, too."),
		lab.Equal("tables-changed", 0).
			Else("Customers or orders are gone, or are not as they were stored: to the millisecond, to the digit."),
		lab.Equal("writes-refused", 0).
			Else("The shop could not store new customers or orders any more: its statements name the columns that there were."),
		lab.Equal("promises-broken", 0).
			Else("The tables store what they refused before, an id or a number twice; or one of them does not survive a crash."),
	},
	New: func(env lab.Env) lab.Run {
		r := rig.New(env)
		s := &shop{env: env, db: mysql.New(r, mysql.Config{Grants: map[string][]string{
			mysql.Learner: {"ALL ON shop.*", "PROCESS ON *.*", "SELECT ON performance_schema.*"},
			app:           {"SELECT, INSERT ON shop.*"},
		}})}
		return lab.Run{
			Rig:         r,
			Seed:        s.seed,
			Fingerprint: s.fingerprint,
			Settle:      s.db.Analyze("customers, orders"),
			Measure:     s.measure,
			Apply:       func(ctx context.Context, v lab.Variant) error { return s.db.Apply(ctx, v, "schema.sql") },
			Integrity:   s.audit,
		}
	},
}
