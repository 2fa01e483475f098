package cli

import (
	"github.com/spf13/cobra"
)

func (a *App) logs() *cobra.Command {
	var follow bool
	cmd := &cobra.Command{
		Use:               "logs NAME [SERVER]",
		Short:             "Print the log of a playground's server",
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.names,
		RunE: func(cmd *cobra.Command, args []string) error {
			_, s, err := a.dial(args[0])
			if err != nil {
				return err
			}
			srv, err := s.Server(second(args))
			if err != nil {
				return err
			}
			a.farewell.Store("")
			if err := srv.Logs(cmd.Context(), follow, a.Out, a.Err); err != nil {
				return fault{err}
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what comes, until Ctrl-C")
	return cmd
}

// second is the second argument, if there is one.
func second(args []string) string {
	if len(args) < 2 {
		return ""
	}
	return args[1]
}
