package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"faultlab/internal/lab"
	"faultlab/internal/progress"
)

func (a *App) next() *cobra.Command {
	return &cobra.Command{
		Use:   "next",
		Short: "Say which lab comes next: the first that you have not solved",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			done, err := progress.Load()
			if err != nil {
				return fault{err}
			}
			l := a.unsolved(done)
			if l == nil {
				fmt.Fprintf(a.Out, "you have solved all %d labs\n", len(a.Labs))
				return nil
			}
			fmt.Fprintf(a.Out, "%s  %s\n", l.Name, l.Title)
			fmt.Fprintf(a.Out, "%s, about %d minutes\n\n", l.Level, l.Minutes)
			fmt.Fprintf(a.Out, "  bin/lab show %[1]s   the brief\n  bin/lab up %[1]s     look around in the broken state\n  bin/lab run %[1]s    judge your fix\n", l.Name)
			return nil
		},
	}
}

// unsolved is the first lab that is not solved; nil if all are.
func (a *App) unsolved(done *progress.Progress) *lab.Lab {
	for _, l := range a.Labs {
		if done.Solved(l.Name).IsZero() {
			return l
		}
	}
	return nil
}
