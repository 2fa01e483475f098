package cli

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"faultlab/internal/lab"
	"faultlab/internal/progress"
	"faultlab/internal/report"
)

func (a *App) progressed() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "progress",
		Short: "Say what you have solved, with how many runs and hints",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			done, err := progress.Load()
			if err != nil {
				return fault{err}
			}
			if asJSON {
				return a.json(done)
			}
			var rows [][]string
			solved := 0
			for _, l := range a.Labs {
				d := done.Labs[l.Name]
				if !d.Solved.IsZero() {
					solved++
				}
				var best []string
				for _, name := range slices.Sorted(maps.Keys(d.Best)) {
					best = append(best, name+" "+lab.Number(d.Best[name]))
				}
				rows = append(rows, []string{l.Name, solvedOn(d), strconv.Itoa(d.Runs), strconv.Itoa(d.Hints), strings.Join(best, ", ")})
			}
			o, _ := report.Terminal(a.Out)
			if err := report.Table(a.Out, o, []string{"LAB", "SOLVED", "RUNS", "HINTS", "BEST"}, rows); err != nil {
				return fault{err}
			}
			_, err = fmt.Fprintf(a.Out, "\n%d of %d solved\n", solved, len(a.Labs))
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func solvedOn(d progress.Lab) string {
	if d.Solved.IsZero() {
		return "-"
	}
	return d.Solved.Local().Format("2006-01-02")
}

// remember keeps how a run ended; one that is invalid says nothing of the learner.
func (a *App) remember(l *lab.Lab, res *lab.Result) error {
	if res.Verdict == lab.InvalidRun {
		return nil
	}
	done, err := progress.Load()
	if err != nil {
		return err
	}
	if res.Verdict != lab.Pass {
		return done.Record(l.Name)
	}
	best := map[string]float64{}
	for _, c := range l.Checks {
		if x, ok := res.After.Get(c.Reading); ok && c.Smaller() {
			best[c.Reading] = x.Value
		}
	}
	return done.RecordPass(l.Name, best)
}
