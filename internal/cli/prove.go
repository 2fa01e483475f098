package cli

import (
	"github.com/spf13/cobra"

	"faultlab/internal/report"
	"faultlab/internal/trial"
)

func (a *App) prove() *cobra.Command {
	var o trial.Options
	var asJSON, verbose bool
	cmd := &cobra.Command{
		Use:   "prove [NAME…]",
		Short: "Run every variant of the labs and hold it against what its folder promises",
		Long: `start/ must fail, solution/ and also/* must pass, wrong/* must fail on the
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
			for _, l := range picked {
				got, err := trial.Prove(cmd.Context(), root, l, o, func(row report.ProofRow) {
					a.log("%s %s: %s", row.Lab, row.Variant, row.Got)
				})
				rows = append(rows, got...)
				if err != nil {
					return fault{err}
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
	f.BoolVar(&asJSON, "json", false, "print the table as JSON")
	f.BoolVarP(&verbose, "verbose", "v", false, "show every command that is run against a server")
	return cmd
}
