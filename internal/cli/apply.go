package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"faultlab/internal/trial"
)

func (a *App) apply() *cobra.Command {
	var variant string
	cmd := &cobra.Command{
		Use:   "apply NAME",
		Short: "Put your present fix onto the playground",
		Long: `Applies fix/ to the running servers, as the learner; where the fix is a program,
it runs from now on instead of the one that ran. No verdict: lab check NAME
--live judges what is there, lab run NAME judges the fix on fresh servers.

Exit status: 0 applied, 1 the fix has an error, 2 usage, 3 trouble.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.names,
		RunE: func(cmd *cobra.Command, args []string) error {
			l, root, err := a.place(args[0])
			if err != nil {
				return err
			}
			c, _, err := a.dial(l.Name)
			if err != nil {
				return err
			}
			if variant == "fix" {
				if _, err := trial.EnsureFix(trial.Dir(root, l.Name)); err != nil {
					return fault{err}
				}
			}
			a.farewell.Store("")
			if err := c.Apply(cmd.Context(), variant, a.detail()); err != nil {
				return refused(err)
			}
			if l.Fix.Program {
				fmt.Fprintf(a.Out, "%s/ is the service now; see what it does on the servers\n", variant)
			} else {
				fmt.Fprintf(a.Out, "%s/ is applied; lab check %s --live judges what is there now\n", variant, l.Name)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&variant, "variant", "fix", "folder to apply: fix, start, solution, also/NAME or wrong/NAME")
	return cmd
}
