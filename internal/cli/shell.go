package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"faultlab/internal/playground"
)

func (a *App) shell() *cobra.Command {
	return &cobra.Command{
		Use:   "shell NAME [SERVER] [-- COMMAND…]",
		Short: "Open the server's own client in a playground, or run a command there",
		Long: `Opens the server's own client inside its container, logged in as the learner.
SERVER is needed where there are several; the first is the default. After --
comes another command to run there instead. Without a terminal it reads standard
input:

    echo 'SHOW TABLES' | lab shell mysql/slow-query
    lab shell mysql/slow-query -- mysqldump --no-data shop

Exit status: the command's; 2 usage, 3 nothing is up.`,
		Args: func(cmd *cobra.Command, args []string) error {
			names := args
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				names = args[:dash]
			}
			if len(names) < 1 || len(names) > 2 {
				return fmt.Errorf("say which lab, perhaps which server, and after -- a command: lab %s", cmd.Use)
			}
			return nil
		},
		ValidArgsFunction: a.names,
		RunE: func(cmd *cobra.Command, args []string) error {
			var command []string
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				args, command = args[:dash], args[dash:]
			}
			_, s, err := a.dial(args[0])
			if err != nil {
				return err
			}
			srv, err := s.Server(second(args))
			if err != nil {
				return err
			}
			a.farewell.Store("")
			code, err := srv.Exec(cmd.Context(), command, playground.Streams{In: os.Stdin, Out: a.Out, Err: a.Err})
			if err != nil {
				return fault{err}
			}
			if code != 0 {
				return status(code)
			}
			return nil
		},
	}
}
