// Package slowquery is the lab clickhouse/slow-query: a table sorted by the
// wrong key, to be rebuilt while the shop goes on writing to it.
package slowquery

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"faultlab/internal/clickhouse"
	"faultlab/internal/lab"
	"faultlab/internal/rig"
)

// Lab is a table sorted by the wrong key.
var Lab = &lab.Lab{
	Name:    "clickhouse/slow-query",
	Title:   "Every category report reads the whole year",
	Level:   lab.Medium,
	Minutes: 30,
	Engines: []string{"clickhouse"},
	Memory:  2048,
	Disk:    2000,
	Notes: []lab.Source{
		{File: "004_7543862ffd92f53d.txt", First: 5284, Last: 5293},
		{File: "004_7543862ffd92f53d.txt", First: 11316, Last: 11326},
		{File: "004_7543862ffd92f53d.txt", First: 11865, Last: 11874},
	},
	Fix: lab.Scripts("fix.sql"),
	Checks: []lab.Check{
		lab.AtMost("rows-day", orders/10).Symptom().
			Else("one day of one category still reads more than a tenth of the table: its rows do not lie together"),
		lab.AtMost("rows-quarter", orders/10).Symptom().
			Else("90 days of one category still read more than a tenth of the table: other categories' rows lie between them"),
		lab.AtMost("rows-top", orders/10).Symptom().
			Else("the list of a day's largest orders still reads more than a tenth of the table: totals alone do not answer it"),
		lab.Equal("answers-wrong", 0).
			Else("a report's answer is not what the orders add up to, or of a type that the dashboard can't read"),
		lab.Equal("rows-lost", 0).
			Else("orders are gone: of the year, or of those that the shop was told were stored; they went with an old table, were in memory when the server crashed, or a merge dropped them"),
		lab.Equal("rows-doubled", 0).
			Else("orders are there more than once; each is counted in a report as often as it is there"),
		lab.Equal("rows-changed", 0).
			Else("all orders are there, but not all with what the shop had stored in them"),
		lab.AtMost("writes-refused", 20).
			Else("the shop could not store its orders: there was no table to write to, or the table refused what a shop writes at once, or has columns of other types"),
		lab.AtMost("reports-wrong", 20).
			Else("while you worked, people got wrong reports or none: the table that they read was not whole"),
		lab.AtMost("disk", 150).
			Else("the orders take up more than half as much disk again as before: something is kept twice"),
	},
	New: newRun,
}

func newRun(env lab.Env) lab.Run {
	r := rig.New(env)
	s := clickhouse.New(r, clickhouse.Config{
		Memory: 2 << 30,
		Grants: []string{
			"SELECT, INSERT, ALTER, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, TRUNCATE, OPTIMIZE, SHOW ON shop.*",
			"CREATE TEMPORARY TABLE ON *.*",
		},
		Settings: map[string]string{
			// An acknowledged INSERT is a part on disk.
			"async_insert": "0",
			// Else a report that is asked twice reads less than the first time.
			"use_query_condition_cache": "0",
			// Not more, nor fewer, threads than the lab's numbers were made with.
			"max_threads": "2",
		},
		// Statistics of columns would skip parts by themselves.
		MergeTree: map[string]string{"auto_statistics_types": ""},
	})
	from := source{env.Seed}
	t := &traffic{from: from, asks: from.asks(3), inFlight: make(chan struct{}, 1)}
	t.truth = from.truth(t.asks)
	var before uint64 // bytes on disk
	var during tally  // of the fix

	return lab.Run{
		Rig:  r,
		Seed: func(ctx context.Context) error { return seed(ctx, s, from) },
		Fingerprint: func(ctx context.Context) (lab.Fingerprint, error) {
			d, err := s.Digest(ctx, "shop.orders", names, "")
			return lab.Fingerprint{"rows": strconv.FormatUint(d.Rows, 10), "sum": strconv.FormatUint(d.Sum, 10)}, err
		},
		Break: func(context.Context) error {
			if time.Now().Format(time.DateOnly) < live {
				return lab.Invalidf("this machine's clock is before %s: set it right", live)
			}
			return nil
		},
		Load:   func(ctx context.Context) error { return t.run(ctx, s) },
		Settle: func(ctx context.Context) error { return s.Mutated(ctx, "shop") },
		Measure: func(ctx context.Context, v lab.Variant, r *lab.Readings) error {
			if err := measureReports(ctx, s, t, r); err != nil {
				return err
			}
			disk, err := s.Disk(ctx)
			if err != nil {
				return err
			}
			if before == 0 {
				before = disk
			}
			r.Set("disk", "% of before", float64(disk*100/before))
			// Both while the fix was being applied, and from then on.
			after, err := t.goOn(ctx, 5)
			if err != nil {
				return err
			}
			if t.refusal != nil {
				r.Note("writes-refused", "the first refusal: %.300s", t.refusal)
			}
			r.Set("writes-refused", "%", max(percent(during.refused, during.writes), percent(after.refused, after.writes)))
			r.Set("reports-wrong", "%", max(percent(during.wrong, during.reads), percent(after.wrong, after.reads)))
			return nil
		},
		Apply: func(ctx context.Context, v lab.Variant) error {
			from := t.tally()
			defer func() { during = t.tally().since(from) }()
			return s.Apply(ctx, v, "fix.sql", t.pause)
		},
		Integrity: func(ctx context.Context, want lab.Fingerprint, r *lab.Readings) error {
			return integrity(ctx, s, t, want, r)
		},
		Limits: map[lab.Phase]time.Duration{lab.Apply: 3 * time.Minute},
	}
}

// names are the table's columns, each hashed into the digest.
var names = []string{columns}

// measureReports asks all reports about what the brief does not name, and
// keeps the most rows that one of them read.
func measureReports(ctx context.Context, s *clickhouse.Server, t *traffic, r *lab.Readings) error {
	wrong := 0
	var shapes [3][]string // query ids
	for i, a := range t.asks {
		for k, report := range []func(context.Context) (any, error){
			func(ctx context.Context) (any, error) { return askDay(ctx, s.Admin(), a) },
			func(ctx context.Context) (any, error) { return askQuarter(ctx, s.Admin(), a) },
			func(ctx context.Context) (any, error) { return askTop(ctx, s.Admin(), a) },
		} {
			ctx, id := clickhouse.Tag(ctx)
			got, err := report(ctx)
			switch {
			case clickhouse.Refusal(err) != nil:
				return lab.Blame([]string{"rows-day", "rows-quarter", "rows-top"}[k], fmt.Errorf("the report is refused: %w", err))
			case clickhouse.Mismatch(err):
				return lab.Blame("answers-wrong", fmt.Errorf("the report's answer can't be read: %w", err))
			case err != nil:
				return err
			}
			if want := []any{t.truth[i].day, t.truth[i].quarter, t.truth[i].top}[k]; !reflect.DeepEqual(got, want) {
				wrong++
			}
			shapes[k] = append(shapes[k], id)
		}
	}
	for k, name := range []string{"rows-day", "rows-quarter", "rows-top"} {
		costs, err := s.Costs(ctx, shapes[k]...)
		if err != nil {
			return err
		}
		var rows uint64
		for _, c := range costs {
			rows = max(rows, c.ReadRows)
		}
		r.Set(name, "rows", float64(rows))
	}
	r.Set("answers-wrong", "reports", float64(wrong))
	return noteKey(ctx, s, r)
}

// noteKey notes how the table lies on disk.
func noteKey(ctx context.Context, s *clickhouse.Server, r *lab.Readings) error {
	rows, err := s.Admin().Query(ctx, "SELECT engine, sorting_key, partition_key FROM system.tables WHERE database = 'shop' AND name = 'orders'")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var engine, key, partition string
		if err := rows.Scan(&engine, &key, &partition); err != nil {
			return err
		}
		for _, name := range []string{"rows-day", "rows-quarter", "rows-top"} {
			r.Note(name, "orders is a %s, sorted by (%s), partitioned by (%s)", engine, key, partition)
		}
	}
	return rows.Err()
}

// integrity holds the table against the seed and what the shop was told is
// stored: as it is after a crash, for what was in memory only was not stored,
// and after a merge of everything, for engines and TTLs drop rows in merges.
func integrity(ctx context.Context, s *clickhouse.Server, t *traffic, want lab.Fingerprint, r *lab.Readings) error {
	if err := s.Node().Kill(ctx); err != nil {
		return err
	}
	if err := s.Node().Start(ctx); err != nil {
		return err
	}
	err := s.Admin().Exec(ctx, "OPTIMIZE TABLE shop.orders FINAL")
	if err != nil && clickhouse.Refusal(err) == nil {
		return fmt.Errorf("merge shop.orders: %w", err)
	}
	var lost, doubled, changed int
	old, err := s.Digest(ctx, "shop.orders", names, "order_date < '"+live+"'")
	if clickhouse.Refusal(err) != nil {
		return lab.Blame("rows-changed", err)
	}
	if err != nil {
		return err
	}
	rows, err := strconv.ParseUint(want["rows"], 10, 64)
	if err != nil {
		return fmt.Errorf("read fingerprint: %w", err)
	}
	switch {
	case old.Rows < rows:
		lost += int(rows - old.Rows)
	case old.Rows > rows:
		doubled += int(old.Rows - rows)
	case strconv.FormatUint(old.Sum, 10) != want["sum"]:
		changed++
	}

	there, err := today(ctx, s)
	if clickhouse.Refusal(err) != nil || clickhouse.Mismatch(err) {
		return lab.Blame("rows-changed", err)
	}
	if err != nil {
		return err
	}
	acked, unsure := t.written()
	for _, o := range acked {
		switch got := there[o.id]; {
		case len(got) == 0:
			lost++
		case len(got) > 1:
			doubled += len(got) - 1
		case got[0] != o:
			changed++
		}
		delete(there, o.id)
	}
	for _, o := range unsure {
		delete(there, o.id)
	}
	changed += len(there) // orders that the shop never wrote
	r.Set("rows-lost", "orders", float64(lost))
	r.Set("rows-doubled", "orders", float64(doubled))
	r.Set("rows-changed", "orders", float64(changed))
	return nil
}

// today reads the orders since the shop went live, by id.
func today(ctx context.Context, s *clickhouse.Server) (map[uint64][]order, error) {
	rows, err := s.Admin().Query(ctx, "SELECT "+columns+" FROM shop.orders WHERE order_date >= '"+live+"'")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := map[uint64][]order{}
	for rows.Next() {
		var o order
		var day time.Time
		if err := rows.Scan(&o.id, &o.user, &o.category, &day, &o.cents, &o.status, &o.address, &o.created); err != nil {
			return nil, err
		}
		o.day = int(day.Sub(firstDay) / (24 * time.Hour))
		o.created = o.created.UTC()
		list[o.id] = append(list[o.id], o)
	}
	return list, rows.Err()
}
