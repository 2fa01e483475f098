package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"faultlab/internal/lab"
	"faultlab/internal/quote"
	"faultlab/internal/report"
	"faultlab/internal/submission"
	"faultlab/internal/trial"
)

func (a *App) run() *cobra.Command {
	var o trial.Options
	var asJSON, verbose bool
	var html, handedIn string
	cmd := &cobra.Command{
		Use:   "run NAME",
		Short: "Judge your fix on fresh servers",
		Long: `Starts the lab's servers, brings the failure about, measures, applies the fix
in the lab's fix/ folder, measures again and says pass or fail. The first run
copies start/ to fix/; nothing ever overwrites your fix/.

--fix takes the fix from elsewhere: a checkout, a folder of its files, or a zip or
tar of either. Only the files that belong to it are taken. --sandbox keeps a program
that you don't trust in a container, as lab grade does.

Exit status: 0 pass, 1 fail, 2 usage, 3 invalid (this machine, not the fix).`,
		Args:              oneLab,
		ValidArgsFunction: a.names,
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := a.find(args[0])
			if err != nil {
				return err
			}
			if err := takesCommand(l, o.Command); err != nil {
				return err
			}
			root, err := a.root()
			if err != nil {
				return err
			}
			if err := writable(html); err != nil {
				return err
			}
			mine, made := o.Variant == "fix" && handedIn == "", false
			switch {
			case handedIn != "":
				if o.Files, err = a.take(handedIn, l); err != nil {
					return err
				}
			case mine:
				if made, err = trial.EnsureFix(trial.Dir(root, l.Name)); err != nil {
					return fault{err}
				}
			}
			o.Keep, o.Show = true, a.progress(verbose)
			res, err := trial.Run(cmd.Context(), root, l, o)
			if err != nil {
				return err
			}
			if err := a.print(res, asJSON); err != nil {
				return fault{err}
			}
			if html != "" {
				if err := a.writeHTML(html, res); err != nil {
					return fault{err}
				}
			}
			if mine {
				a.after(root, l, res, made)
			}
			if code := res.Verdict.ExitCode(); code != 0 {
				return status(code)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Variant, "variant", "fix", "folder to judge: fix, start, solution, also/NAME or wrong/NAME")
	f.StringVar(&handedIn, "fix", "", "judge the fix in this `folder`, zip or tar instead of the lab's fix/")
	runFlags(cmd, &o)
	f.BoolVar(&o.Fresh, "fresh", false, "seed anew, although a snapshot exists")
	f.BoolVar(&asJSON, "json", false, "print the result as JSON")
	f.BoolVar(&o.Sandbox, "sandbox", false, "run programs in a container of their own")
	f.StringVar(&html, "html", "", "write a report for the browser to this `file`")
	f.BoolVarP(&verbose, "verbose", "v", false, "show every command that is run against a server")
	cmd.MarkFlagsMutuallyExclusive("fix", "variant")
	cmd.MarkFlagsMutuallyExclusive("fix", "program")
	cmd.MarkFlagsMutuallyExclusive("sandbox", "program")
	return cmd
}

// runFlags are those of every command that runs the learner's fix/.
func runFlags(cmd *cobra.Command, o *trial.Options) {
	cmd.Flags().Uint64Var(&o.Seed, "seed", trial.Seed, "what the data derives from")
	cmd.Flags().StringVar(&o.Command, "program", "", `run this instead of the Go program, in fix/: --program "python3 app.py"`)
}

// takesCommand is about a lab whose fix is no program, and yet a command is to be
// run for it.
func takesCommand(l *lab.Lab, command string) error {
	if command == "" || l.Fix.Program {
		return nil
	}
	return fmt.Errorf("%s is fixed by %s, not by a program; leave --program out", l.Name, strings.Join(l.Fix.Files, " and "))
}

// take is the fix of l in what was handed in.
func (a *App) take(path string, l *lab.Lab) (map[string]string, error) {
	s, err := submission.Open(path)
	var u *submission.Unreadable
	switch {
	case errors.As(err, &u):
		return nil, fmt.Errorf("%s: %w", path, err)
	case err != nil:
		return nil, err
	}
	f, err := s.Take(l.Name, l.Fix, true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, name := range s.Ignored() {
		a.log("ignored: %s", quote.Plain(name))
	}
	return f.Files, nil
}

func (a *App) print(res *lab.Result, asJSON bool) error {
	if asJSON {
		return report.JSON(a.Out, res)
	}
	o, _ := report.Terminal(a.Out)
	shown := *res
	if shown.Evidence != "" {
		shown.Evidence = nearby(shown.Evidence)
	}
	return report.Text(a.Out, &shown, o)
}

// after says on stderr what to do next, and remembers the run.
func (a *App) after(root string, l *lab.Lab, res *lab.Result, made bool) {
	if says := advice(root, res, made); says != "" {
		fmt.Fprintln(a.Err, "\n"+says)
	}
	if err := a.remember(l, res); err != nil {
		fmt.Fprintln(a.Err, "lab: "+err.Error())
	}
}

// advice is what to do after a run; empty if the report has said it. made says
// that the run made fix/.
func advice(root string, res *lab.Result, made bool) string {
	rel := nearby(trial.Dir(root, res.Lab))
	switch {
	case res.Verdict == lab.InvalidRun:
	case made:
		return fmt.Sprintf("This was the broken state. Your copy of it is %s: read %s, edit, run again.",
			filepath.Join(rel, "fix"), filepath.Join(rel, "README.md"))
	case res.Verdict == lab.Pass:
		return fmt.Sprintf("Now read the Background in %s, and lab solution %s. Then: lab next", filepath.Join(rel, "README.md"), res.Lab)
	}
	return ""
}
