package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"faultlab/internal/progress"
	"faultlab/internal/trial"
)

func (a *App) hint() *cobra.Command {
	var seen bool
	cmd := &cobra.Command{
		Use:   "hint NAME",
		Short: "Show the next hint of a lab, one rung a call",
		Long: `Shows the next rung of the lab's ladder: where to look, what it means, which kind
of change. None of them is the answer.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.names,
		RunE: func(_ *cobra.Command, args []string) error {
			l, root, err := a.place(args[0])
			if err != nil {
				return err
			}
			rungs, err := trial.Hints(trial.Dir(root, l.Name))
			if err != nil {
				return fault{err}
			}
			done, err := progress.Load()
			if err != nil {
				return fault{err}
			}
			used := min(done.Labs[l.Name].Hints, len(rungs))
			if seen {
				if used == 0 {
					fmt.Fprintf(a.Err, "you have seen none of its %d hints; lab hint %s shows the first\n", len(rungs), l.Name)
					return nil
				}
				return a.markdown(strings.Join(rungs[:used], "\n"))
			}
			rung, note, err := climb(done, l.Name, rungs)
			if err != nil {
				return fault{err}
			}
			if err := a.markdown(rung); err != nil {
				return fault{err}
			}
			fmt.Fprintln(a.Err, note)
			return nil
		},
	}
	cmd.Flags().BoolVar(&seen, "seen", false, "show again those that you have seen, and no other")
	return cmd
}

// climb takes the next rung of a ladder, which is empty after the last, and
// says how many are left.
func climb(done *progress.Progress, name string, rungs []string) (rung, note string, err error) {
	next, err := done.Hint(name, len(rungs))
	if err != nil {
		return "", "", err
	}
	if next < 0 {
		return "", fmt.Sprintf("those were all %d hints; lab hint %s --seen shows them again, lab solution %s --spoil the answer", len(rungs), name, name), nil
	}
	switch left := len(rungs) - next - 1; left {
	case 0:
		note = "(that was the last hint)"
	case 1:
		note = "(one more hint is left)"
	default:
		note = fmt.Sprintf("(%d more hints are left)", left)
	}
	return rungs[next], note, nil
}
