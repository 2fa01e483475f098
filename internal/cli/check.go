package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"faultlab/internal/playground"
	"faultlab/internal/report"
)

func (a *App) check() *cobra.Command {
	var live, asJSON, verbose bool
	cmd := &cobra.Command{
		Use:   "check NAME --live",
		Short: "Judge a playground as it stands, by the lab's checks",
		Long: `Measures the playground as it is now, whatever you did there by hand, and holds
it against the same checks that lab run uses. It is no verdict on your fix and
solves nothing: it says how the playground differs from fix/.

Exit status: 0 all checks hold, 1 not, 2 usage, 3 invalid.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.names,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !live {
				return fmt.Errorf("say --live to judge the playground as it stands; lab run %s judges your fix on fresh servers", args[0])
			}
			c, s, err := a.dial(args[0])
			if err != nil {
				return err
			}
			a.farewell.Store("")
			o, _ := report.Terminal(a.Out)
			got, err := c.Check(cmd.Context(), o, a.progress(verbose))
			if err != nil {
				return refused(err)
			}
			if asJSON {
				err = a.json(got)
			} else {
				_, err = fmt.Fprint(a.Out, got.Text)
				for _, note := range got.Notes {
					fmt.Fprintln(a.Out, "  "+note)
				}
				fmt.Fprintf(a.Out, "\nThis was the playground, live. It does not count as solved: lab run %s judges fix/.\n", s.Lab)
			}
			if err != nil {
				return fault{err}
			}
			if code := got.Verdict.ExitCode(); code != 0 {
				return status(code)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&live, "live", false, "judge the playground as it stands")
	f.BoolVar(&asJSON, "json", false, "print the result as JSON")
	f.BoolVarP(&verbose, "verbose", "v", false, "show every command that is run against a server")
	return cmd
}

// refused gives the owner's error the exit status that is its kind's.
func refused(err error) error {
	var r *playground.Refusal
	if !errors.As(err, &r) {
		return fault{err}
	}
	switch r.Kind {
	case playground.Usage:
		return err
	case playground.Theirs:
		return theirs{err}
	}
	return fault{err}
}
