// Package labtest is the glue between labs and go test.
package labtest

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/report"
	"faultlab/internal/trial"
)

var prove = flag.Bool("prove", false, "run every variant of the lab and hold it against what its folder promises")

// teardown is kept of go test's deadline, so that a run's servers are removed
// before go test kills the process.
const teardown = 30 * time.Second

// Run judges the lab in the current folder: the fix in fix/ if there is one,
// else it shows that start/ fails. With -prove it runs the whole proof.
func Run(t *testing.T, l *lab.Lab) {
	t.Helper()
	root, err := trial.Root(".")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if deadline, ok := t.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-teardown))
		defer cancel()
	}
	if *prove {
		proof(ctx, t, root, l)
		return
	}
	o := trial.Options{Variant: "fix", Keep: true, Show: report.Progress(os.Stderr, false)}
	want := lab.Pass
	if _, err := os.Stat(filepath.Join(trial.Dir(root, l.Name), "fix")); os.IsNotExist(err) {
		o.Variant, want = "start", lab.Fail
	}
	res, err := trial.Run(ctx, root, l, o)
	if err != nil {
		t.Fatal(err)
	}
	if res.Verdict == lab.InvalidRun {
		t.Fatalf("%s: invalid: %s", l.Name, res.Reason)
	}
	var text strings.Builder
	if err := report.Text(&text, res, report.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text.String())
	if res.Verdict != want {
		t.Errorf("%s: %s is %s, not %s", l.Name, o.Variant, res.Verdict, want)
	}
}

func proof(ctx context.Context, t *testing.T, root string, l *lab.Lab) {
	o := trial.Options{Keep: true, Show: report.Progress(os.Stderr, false)}
	rows, err := trial.Prove(ctx, root, l, o, func(report.ProofRow) {})
	var table strings.Builder
	err = errors.Join(err, report.Proof(&table, rows))
	t.Log("\n" + table.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if !row.OK {
			t.Errorf("%s %s: expected %s, got %s (%s)", row.Lab, row.Variant, row.Expected, row.Got, row.Note)
		}
	}
}
