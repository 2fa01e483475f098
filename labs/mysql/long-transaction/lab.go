// Package longtransaction is the lab mysql/long-transaction: a report keeps its
// transaction open while it prints, and the server keeps for it what everybody
// else has deleted.
package longtransaction

import (
	"context"
	"errors"
	"net/http"

	"faultlab/internal/lab"
	"faultlab/internal/mysql"
	"faultlab/internal/rig"
)

// Lab is the lab.
var Lab = &lab.Lab{
	Name:    "mysql/long-transaction",
	Title:   "Twenty orders wait, and finding the first takes longer every minute",
	Level:   lab.Medium,
	Minutes: 35,
	Engines: []string{"mysql"},
	Memory:  600,
	Disk:    500,
	Notes: []lab.Source{
		{File: "004_7543862ffd92f53d.txt", First: 373, Last: 373},
		{File: "004_7543862ffd92f53d.txt", First: 5355, Last: 5390},
		{File: "002_359b906a1aff0620.txt", First: 111, Last: 118},
	},
	Fix: lab.Program(),
	Checks: []lab.Check{
		lab.AtMost("history", 500).Symptom().
			Else("while a page is printed the server must keep every order that was deleted since the report began: somebody may still read it"),
		lab.AtMost("pages-per-pick", 10).Symptom().
			Else("to find the first of twenty waiting orders the server goes through all those that were delivered in the meantime"),
		lab.AtMost("history-after", 500).Symptom().
			Else("a report that the printer refused is over, and the server still keeps everything for it"),
		lab.Equal("lines-wrong", 0).
			Else("a report doesn't show one moment: its lines contradict each other, or it is of a time before it was asked for, or lines are missing"),
		lab.Equal("reports-missing", 0).
			Else("a report did not come, or was called printed when it was not"),
		lab.Equal("dispatch-refused", 0).
			Else("orders could not be delivered because of the reports"),
		lab.Equal("others-killed", 0).
			Else("the cashier's booking was old, harmless and not yours: it is lost"),
		lab.Equal("rows-wrong", 0).
			Else("the tables are not what the deliveries have made of them"),
	},
	New: func(env lab.Env) lab.Run {
		r := rig.New(env)
		x := &run{env: env, mysql: mysql.New(r, mysql.Config{
			Database:   "delivery",
			BufferPool: 128,
			Grants: map[string][]string{
				reports: {
					"SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, LOCK TABLES, CREATE TEMPORARY TABLES ON `delivery%`.*",
					"PROCESS, CONNECTION_ADMIN, SYSTEM_VARIABLES_ADMIN ON *.*",
				},
				dispatch: {"SELECT, INSERT, UPDATE, DELETE, EXECUTE ON `delivery%`.*"},
				cashier:  {"SELECT, UPDATE ON `delivery%`.*"},
			},
			Set: map[string]string{
				// By default the list of what is to be thrown away is shortened only
				// at each 128th turn of the purge: its length would say little.
				"innodb-purge-rseg-truncate-frequency": "1",
				// Thousands of orders are delivered in a second or two.
				"innodb-flush-log-at-trx-commit": "2",
			},
		})}
		return lab.Run{Rig: r, Seed: x.seed, Fingerprint: x.fingerprint, Measure: x.measure, Play: x.play}
	},
}

// The accounts: that of the learner's program, and those of the programs beside it.
const (
	reports  = "reports"
	dispatch = "dispatch"
	cashier  = "cashier"
)

type run struct {
	env      lab.Env
	mysql    *mysql.Server
	evenings int // measured so far
}

// measure takes the variant through an evening, in a database of its own.
func (x *run) measure(ctx context.Context, v lab.Variant, r *lab.Readings) error {
	e, err := x.open(ctx, v)
	if err != nil {
		return err
	}
	defer e.close()
	for _, step := range []func(context.Context) error{
		e.whilePrinting,
		e.outOfPaper,
		e.again,
		e.closing,
	} {
		if err := errors.Join(step(ctx), e.failed()); err != nil {
			return err
		}
	}
	e.readings(r)
	return nil
}

// Orders that are delivered while one page is printed.
const perPage = 1000

// whilePrinting has the report printed while dispatch goes on, and looks at
// each page what the server has kept.
func (e *evening) whilePrinting(ctx context.Context) error {
	printed, err := e.report(ctx, func(int) (int, error) {
		if err := e.deliver(ctx, perPage); err != nil {
			return 0, err
		}
		return http.StatusOK, e.look(ctx, &e.history)
	})
	if !printed {
		e.missing++
	}
	return err
}

// outOfPaper has the printer refuse the second page. The report is over then.
func (e *evening) outOfPaper(ctx context.Context) error {
	printed, err := e.report(ctx, func(page int) (int, error) {
		if page == 1 {
			return http.StatusOK, nil
		}
		return http.StatusServiceUnavailable, nil
	})
	if err != nil {
		return err
	}
	if printed {
		e.missing++
		e.missingNote("the printer had refused page 2 of %s, and it was called printed", e.name)
	}
	if err := e.deliver(ctx, perPage); err != nil {
		return err
	}
	return e.look(ctx, &e.historyAfter)
}

// again asks for the same report when there is paper, and a courier has got change.
func (e *evening) again(ctx context.Context) error {
	if err := e.give(ctx); err != nil {
		return err
	}
	printed, err := e.ask(ctx, func(int) (int, error) { return http.StatusOK, nil })
	if !printed {
		e.missing++
	}
	return err
}

// closing has the cashier book what was counted all evening, ends the program,
// and compares the tables.
func (e *evening) closing(ctx context.Context) error {
	e.way.Before(nil)
	e.program.Kill()
	if err := e.mysql.Drop(ctx, reports); err != nil {
		return err
	}
	if err := e.book(); err != nil {
		e.killed++
		e.killedAt = err.Error()
	}
	return e.whole(ctx)
}

func (e *evening) readings(r *lab.Readings) {
	r.Set("history", "transactions kept", float64(e.history.transactions))
	r.Set("pages-per-pick", "pages", float64(e.pages))
	r.Set("history-after", "transactions kept", float64(e.historyAfter.transactions))
	r.Set("lines-wrong", "lines", float64(e.wrong))
	r.Set("reports-missing", "of 3 reports", float64(e.missing))
	r.Set("dispatch-refused", "times", float64(e.refused))
	r.Set("others-killed", "of 1 booking", float64(e.killed))
	r.Set("rows-wrong", "rows", float64(e.rows))
	for name, note := range map[string]string{
		"lines-wrong": e.wrongAt, "reports-missing": e.missingAt, "dispatch-refused": e.refusedAt,
		"others-killed": e.killedAt, "rows-wrong": e.rowsAt, "history": e.history.why, "history-after": e.historyAfter.why,
	} {
		r.Note(name, "%s", note)
	}
}
