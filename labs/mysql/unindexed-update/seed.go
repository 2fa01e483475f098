package unindexedupdate

import (
	"context"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/mysql"
)

//go:embed schema.sql
var schema string

// What is in the table, and how many of it are due in the job's first and in its
// second run.
const (
	cartsThere = 40_000
	fresh      = 2_000
	abandoned  = 5_400
	dueFirst   = 150
	dueSecond  = 90
)

// cart is what must be known of one.
type cart struct {
	id, user int64
	state    string
	touched  time.Time
	lines    map[int64]int // quantities, by product
	due      int           // in which run it is; 0: in none
}

// today is when the first run begins. Carts are due that were not touched for a day.
var today = time.Date(2026, time.March, 15, 9, 0, 0, 0, time.UTC)

// before is what a run is told: older carts are due.
func before(run int) time.Time {
	return today.AddDate(0, 0, -1).Add(time.Duration(run-1) * 5 * time.Minute)
}

func stamp(t time.Time) string { return t.Format("2006-01-02 15:04:05.000") }

// generate makes the carts, by id from 1. The last ones of the table are the
// oldest customers' of each run, so that whoever reads by id, and whoever reads by
// time, comes to them last.
func generate(rnd *rand.Rand) []*cart {
	within := func(from time.Time, d time.Duration) time.Time {
		return from.Add(time.Duration(rnd.Int64N(d.Milliseconds())) * time.Millisecond)
	}
	carts := make([]*cart, cartsThere)
	order := rnd.Perm(cartsThere - 3)
	for i := range carts {
		c := &cart{id: int64(i + 1), user: 100_000 + 3*int64(i), lines: map[int64]int{}}
		rank := cartsThere
		if i < len(order) {
			rank = order[i]
		}
		switch {
		case i == cartsThere-1:
			c.state, c.due, c.touched = "open", 1, before(1).Add(-time.Millisecond)
		case i == cartsThere-2:
			c.state, c.due, c.touched = "open", 1, before(1).Add(-2*time.Millisecond)
		case i == cartsThere-3:
			c.state, c.due, c.touched = "open", 2, before(2).Add(-time.Millisecond)
		case rank < dueFirst-2:
			c.state, c.due, c.touched = "open", 1, within(before(1).Add(-5*time.Minute), 5*time.Minute-time.Second)
		case rank < dueFirst+dueSecond-3:
			c.state, c.due, c.touched = "open", 2, within(before(1), 5*time.Minute-time.Second)
		case rank < dueFirst+dueSecond+fresh:
			c.state, c.touched = "open", within(before(2).Add(time.Minute), 23*time.Hour)
		case rank < dueFirst+dueSecond+fresh+abandoned:
			c.state, c.touched = "abandoned", within(today.AddDate(0, 0, -50), 48*24*time.Hour)
		default:
			c.state, c.touched = "ordered", within(today.AddDate(0, 0, -50), 48*24*time.Hour)
		}
		if c.state != "ordered" {
			c.lines[1000+rnd.Int64N(500)] = 1 + rnd.IntN(3)
		}
		carts[i] = c
	}
	return carts
}

// create makes a database with the carts.
func (x *run) create(ctx context.Context, database string, carts []*cart) error {
	var statements []string
	for text := range strings.SplitSeq(schema, ";\n") {
		if strings.TrimSpace(text) != "" {
			statements = append(statements, text)
		}
	}
	if err := x.mysql.NewDatabase(ctx, database, statements...); err != nil {
		return err
	}
	_, err := x.mysql.Load(ctx, database+".carts", "id, user_id, state, touched", func(rows *mysql.Rows) {
		for _, c := range carts {
			rows.Add(c.id, c.user, c.state, c.touched)
		}
	})
	if err != nil {
		return err
	}
	_, err = x.mysql.Load(ctx, database+".cart_lines", "cart_id, product_id, quantity", func(rows *mysql.Rows) {
		for _, c := range carts {
			for product, quantity := range c.lines {
				rows.Add(c.id, product, quantity)
			}
		}
	})
	if err != nil {
		return err
	}
	return x.mysql.Exec(ctx, fmt.Sprintf("ANALYZE TABLE %s.carts, %[1]s.cart_lines", database))
}

// seed makes what the learner finds: the carts as they are at nine.
func (x *run) seed(ctx context.Context) error {
	return x.create(ctx, "shop", generate(rand.New(rand.NewPCG(x.env.Seed, 0))))
}

// fingerprint is what the seed left.
func (x *run) fingerprint(ctx context.Context) (lab.Fingerprint, error) {
	var carts, lines, due int
	err := x.mysql.Admin().QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM shop.carts), (SELECT COUNT(*) FROM shop.cart_lines),
		(SELECT COUNT(*) FROM shop.carts WHERE state = 'open' AND touched < ?)`, stamp(before(1))).Scan(&carts, &lines, &due)
	return lab.Fingerprint{"carts.rows": fmt.Sprint(carts), "cart_lines.rows": fmt.Sprint(lines), "carts.due": fmt.Sprint(due)}, err
}
