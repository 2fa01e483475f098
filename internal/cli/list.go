package cli

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"faultlab/internal/lab"
	"faultlab/internal/progress"
	"faultlab/internal/report"
)

func (a *App) list() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the labs: level, minutes, servers, and which you have solved",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			done, err := progress.Load()
			if err != nil {
				return fault{err}
			}
			if asJSON {
				return a.listJSON(done)
			}
			var rows [][]string
			for _, l := range a.Labs {
				rows = append(rows, []string{
					l.Name, string(l.Level), strconv.Itoa(l.Minutes), strings.Join(l.Engines, "+"), solvedOn(done.Labs[l.Name]), l.Title,
				})
			}
			o, _ := report.Terminal(a.Out)
			return report.Table(a.Out, o, []string{"LAB", "LEVEL", "MIN", "SERVERS", "SOLVED", "TITLE"}, rows)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// listed is a lab as list --json prints it.
type listed struct {
	Name    string       `json:"name"`
	Title   string       `json:"title"`
	Level   lab.Level    `json:"level"`
	Minutes int          `json:"minutes"`
	Engines []string     `json:"engines"`
	Notes   []lab.Source `json:"notes"`
	Solved  bool         `json:"solved"`
}

func (a *App) listJSON(done *progress.Progress) error {
	all := make([]listed, 0, len(a.Labs))
	for _, l := range a.Labs {
		all = append(all, listed{l.Name, l.Title, l.Level, l.Minutes, l.Engines, l.Notes, !done.Solved(l.Name).IsZero()})
	}
	return a.json(all)
}
