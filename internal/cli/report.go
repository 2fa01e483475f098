package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"faultlab/internal/lab"
	"faultlab/internal/report"
	"faultlab/internal/trial"
	"faultlab/internal/whole"
)

func (a *App) report() *cobra.Command {
	var html string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "report [NAME]",
		Short: "Show the last run again, or write it as a page for the browser",
		Long: `Shows the last run of a lab, or of any lab, as lab run did. --html writes one
file that opens in a browser without a network: readings, what was sampled over
time, your change, the timeline and what the servers had to say.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.names,
		RunE: func(_ *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				l, err := a.find(args[0])
				if err != nil {
					return err
				}
				name = l.Name
			}
			if err := writable(html); err != nil {
				return err
			}
			root, err := a.root()
			if err != nil {
				return err
			}
			res, err := trial.Last(root, name)
			switch {
			case err != nil:
				return fault{err}
			case res == nil && name == "":
				return errors.New("no lab was run here yet; lab list shows all")
			case res == nil:
				return fmt.Errorf("%s was not run here yet; lab run %s does", name, name)
			}
			if html != "" {
				err = a.writeHTML(html, res)
			} else {
				err = a.print(res, asJSON)
			}
			if err != nil {
				return fault{err}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&html, "html", "", "write a report for the browser to this `file`")
	f.BoolVar(&asJSON, "json", false, "print the result as JSON")
	cmd.MarkFlagsMutuallyExclusive("html", "json")
	return cmd
}

// writable finds before a run what would make its report fail after it.
func writable(file string) error {
	if file == "" {
		return nil
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return fmt.Errorf("--html wants a file, and %s is a folder", file)
	}
	if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
		return fmt.Errorf("--html: there is no folder %s", filepath.Dir(file))
	}
	return nil
}

// writeHTML writes the file whole or not at all.
func (a *App) writeHTML(file string, res *lab.Result) error {
	shown := *res
	var evidence fs.FS
	if res.Evidence != "" {
		evidence = os.DirFS(res.Evidence)
		shown.Evidence = nearby(res.Evidence)
	}
	err := whole.Write(file, 0o644, func(w io.Writer) error { return report.HTML(w, &shown, evidence) })
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	a.log("report: %s", file)
	return nil
}
