package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"faultlab/internal/lab"
	"faultlab/internal/progress"
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
			w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "LAB\tSOLVED\tRUNS\tHINTS\tBEST")
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
				fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\n", l.Name, solvedOn(d), d.Runs, d.Hints, strings.Join(best, ", "))
			}
			if err := w.Flush(); err != nil {
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
