package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"faultlab/internal/lab"
	"faultlab/internal/trial"
)

func (a *App) explain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain NAME [READING…]",
		Short: "Say what a lab's readings mean, and how to see them yourself",
		Long: `Says what each reading of a lab means and where it comes from, with a statement or
a command that shows the same number: paste it where lab shell NAME takes you. The
numbers of your last run stand beside it.`,
		Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, part string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return a.names(cmd, args, part)
			}
			l, root, err := a.place(args[0])
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			all, _ := trial.Explained(trial.Dir(root, l.Name)) // no completion is no harm
			return readings(all), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			l, root, err := a.place(args[0])
			if err != nil {
				return err
			}
			all, err := trial.Explained(trial.Dir(root, l.Name))
			if err != nil {
				return fault{err}
			}
			want := args[1:]
			if len(want) == 0 {
				want = readings(all)
			}
			last, err := trial.Last(root, l.Name)
			if err != nil {
				last = nil // numbers are a courtesy
			}
			var b strings.Builder
			for _, name := range want {
				at := slices.IndexFunc(all, func(m trial.Meaning) bool { return m.Reading == name })
				if at < 0 {
					return fmt.Errorf("%s takes no reading %q; it takes %s", l.Name, name, strings.Join(readings(all), ", "))
				}
				fmt.Fprintf(&b, "## %s%s\n\n%s\n\n", name, measured(last, name), all[at].Text)
			}
			return a.markdown(b.String())
		},
	}
}

func readings(all []trial.Meaning) (names []string) {
	for _, m := range all {
		names = append(names, m.Reading)
	}
	return names
}

// measured is what the last run read, before and after its fix.
func measured(last *lab.Result, name string) string {
	if last == nil {
		return ""
	}
	text, unit := " (last run:", ""
	for i, r := range []*lab.Readings{last.Before, last.After} {
		number := "–"
		if x, ok := r.Get(name); ok {
			number, unit = lab.Number(x.Value), x.Unit
		}
		if i == 1 {
			text += " →"
		}
		text += " " + number
	}
	return text + strings.TrimRight(" "+unit, " ") + ")"
}
