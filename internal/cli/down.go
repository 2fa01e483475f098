package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"faultlab/internal/playground"
)

func (a *App) down() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "down [NAME]",
		Short: "End a playground and remove its servers",
		Long: `Ends the playground of a lab, or what a dead one has left behind. Without a name
it ends the only one that there is.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.names,
		RunE: func(cmd *cobra.Command, args []string) error {
			root, err := a.root()
			if err != nil {
				return err
			}
			labs, err := playground.List(root)
			if err != nil {
				return fault{err}
			}
			switch {
			case all && len(args) > 0:
				return fmt.Errorf("say a lab or --all, not both")
			case len(args) == 1:
				l, err := a.find(args[0])
				if err != nil {
					return err
				}
				labs = []string{l.Name}
			case !all && len(labs) > 1:
				return fmt.Errorf("several are up: say which of %v, or --all", labs)
			}
			if len(labs) == 0 {
				a.log("no playground is up")
				return nil
			}
			a.farewell.Store("lab: it goes down without you")
			var errs []error
			for _, name := range labs {
				err := playground.Down(cmd.Context(), root, name, a.log)
				switch {
				case errors.Is(err, playground.ErrNone):
					a.log("%s is not up", name)
				case err != nil:
					errs = append(errs, fmt.Errorf("%s: %w", name, err))
				default:
					a.log("%s is down", name)
				}
			}
			if err := errors.Join(errs...); err != nil {
				return fault{err}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "end all playgrounds of this checkout")
	return cmd
}
