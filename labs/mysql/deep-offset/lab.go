// Package deepoffset is the lab mysql/deep-offset.
package deepoffset

import (
	"context"
	"fmt"

	"faultlab/internal/lab"
	"faultlab/internal/mysql"
	"faultlab/internal/rig"
)

// Lab is the lab.
var Lab = &lab.Lab{
	Name:    "mysql/deep-offset",
	Title:   "The further partners leaf through the orders, the slower the shop",
	Level:   lab.Medium,
	Minutes: 35,
	Engines: []string{"mysql"},
	Memory:  800,
	Disk:    1500,
	Notes: []lab.Source{
		{File: "001_927b26b364f3313d.txt", First: 217, Last: 217},
		{File: "004_7543862ffd92f53d.txt", First: 1599, Last: 1599},
	},
	Fix: lab.Program(),
	Checks: []lab.Check{
		lab.AtMost("next-rows", 500).Symptom().
			Else("Whoever follows the link to the next page still makes the server go through orders that were shown long ago, or the whole list."),
		lab.Equal("orders-skipped", 0).Symptom().
			Else("Somebody who followed the links from page to page was never shown an order that was there all the time."),
		lab.Equal("orders-repeated", 0).Symptom().
			Else("Somebody who followed the links from page to page was shown an order twice."),
		lab.AtMost("jump-pages", 2500).Symptom().
			Else("Support's jump to a page by its number still has the server read what is in orders that it does not show."),
		lab.Equal("pages-wrong", 0).
			Else("A page behind a link is not ten orders as they are stored, newest first, and none newer than those before it."),
		lab.Equal("jumps-wrong", 0).
			Else("A page that support asked for by its number is not that page of the list."),
	},
	New: func(env lab.Env) lab.Run {
		r := rig.New(env)
		s := &shop{env: env, db: mysql.New(r, mysql.Config{Grants: map[string][]string{
			account: {"SELECT ON shop.*"},
		}})}
		return lab.Run{
			Rig: r,
			Seed: func(ctx context.Context) error {
				if err := s.db.Exec(ctx, table); err != nil {
					return err
				}
				n, err := s.db.Load(ctx, "orders", columns, load(history(env.Seed)))
				if err == nil && n != past {
					err = fmt.Errorf("%d of %d orders are there", n, past)
				}
				return err
			},
			Settle:  s.db.Analyze("orders"),
			Measure: s.measure,
			Play:    s.play,
		}
	},
}
