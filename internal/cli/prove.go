package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"faultlab/internal/report"
	"faultlab/internal/trial"
)

func (a *App) prove() *cobra.Command {
	var o trial.Options
	var asJSON, verbose bool
	var times int
	cmd := &cobra.Command{
		Use:   "prove [NAME…]",
		Short: "Run every variant of the labs and hold it against what its folder promises",
		Long: `start/ must fail with a score of 0, solution/ and also/* must pass, wrong/* must fail on the
checks that they name, and every check must be tripped by a wrong variant.

Exit status: 0 all as promised, 1 not, 2 usage, 3 invalid.`,
		ValidArgsFunction: a.names,
		RunE: func(cmd *cobra.Command, args []string) error {
			picked, err := a.pick(args)
			if err != nil {
				return err
			}
			root, err := a.root()
			if err != nil {
				return err
			}
			o.Show = a.progress(verbose)
			var rows []report.ProofRow
			for round := range max(1, times) {
				for _, l := range picked {
					got, err := trial.Prove(cmd.Context(), root, l, o, func(row report.ProofRow) {
						a.log("%s %s: %s", row.Lab, row.Variant, row.Got)
					})
					if err != nil {
						return fault{err}
					}
					rows = again(rows, got, round)
				}
			}
			if asJSON {
				err = report.ProofJSON(a.Out, rows)
			} else {
				err = report.Proof(a.Out, rows)
			}
			if err != nil {
				return fault{err}
			}
			for _, row := range rows {
				if !row.OK {
					return status(1)
				}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&o.Seed, "seed", trial.Seed, "what the data derives from")
	f.BoolVar(&o.Fresh, "fresh", false, "seed anew, although a snapshot exists")
	f.IntVar(&times, "times", 1, "run all of it so many times: an outcome that differs once fails")
	f.BoolVar(&asJSON, "json", false, "print the table as JSON")
	f.BoolVarP(&verbose, "verbose", "v", false, "show every command that is run against a server")
	return cmd
}

// again merges a further round into the table: a variant that once ended in
// another way is a defect, even if both ways are as promised.
func again(rows, got []report.ProofRow, round int) []report.ProofRow {
	for _, row := range got {
		i := slices.IndexFunc(rows, func(r report.ProofRow) bool { return r.Lab == row.Lab && r.Variant == row.Variant })
		if i < 0 {
			rows = append(rows, row)
			continue
		}
		first := &rows[i]
		first.Seconds += row.Seconds
		same := first.Got == row.Got && slices.Equal(first.Failed, row.Failed)
		if first.OK && (!same || !row.OK) {
			first.OK = false
			first.Note = fmt.Sprintf("round %d ended in %s (%s)", round+1, row.Got, cmp.Or(row.Note, strings.Join(row.Failed, ", ")))
		}
	}
	return rows
}
