// Package cli holds the commands of lab, one file each.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"

	"faultlab/internal/lab"
	"faultlab/internal/report"
	"faultlab/internal/trial"
	"faultlab/labs"
)

// Exit statuses; a verdict has its own (lab.Verdict.ExitCode).
const (
	exitUsage   = 2
	exitInvalid = 3
)

// farewell is what an interruption says while servers are up.
const farewell = "lab: removing the servers; interrupt again to leave them behind (the next start removes them)"

// App is what every command is given. stdout is for results, stderr for
// progress.
type App struct {
	Labs []*lab.Lab
	Out  *os.File
	Err  *os.File

	farewell  atomic.Value // string: what the first Ctrl-C says
	elsewhere atomic.Bool  // another program has the terminal, and Ctrl-C is for it
	signals   chan os.Signal
}

// Main runs the command line and returns its exit status.
func Main() int {
	app := &App{Labs: labs.All, Out: os.Stdout, Err: os.Stderr}
	return app.Run(os.Args[1:])
}

// status is an error that only carries an exit status: all has been said.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// fault is an error of this machine or of the program, not of the command line.
type fault struct{ error }

func (f fault) Unwrap() error { return f.error }

// theirs is an error of the learner's fix.
type theirs struct{ error }

func (t theirs) Unwrap() error { return t.error }

// Run runs one command line.
func (a *App) Run(args []string) int {
	a.farewell.Store(farewell)
	ctx, stop := a.interruptible()
	defer stop()
	root := a.command()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var s status
	var f fault
	var t theirs
	var inv *lab.Invalid
	switch {
	case err == nil:
		return 0
	case errors.As(err, &t):
		fmt.Fprintln(a.Err, "lab: "+err.Error())
		return lab.Fail.ExitCode()
	case errors.As(err, &s):
		return int(s)
	case errors.As(err, &f), errors.As(err, &inv), errors.Is(err, context.Canceled):
		fmt.Fprintln(a.Err, "lab: "+err.Error())
		return exitInvalid
	}
	fmt.Fprintln(a.Err, "lab: "+err.Error())
	return exitUsage
}

func (a *App) command() *cobra.Command {
	root := &cobra.Command{
		Use:           "lab",
		Short:         "Real failures of MySQL, Redis, Kafka and ClickHouse to fix, judged by measuring the server",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.AddCommand(
		a.list(), a.show(), a.run(), a.watch(), a.report(), a.grade(), a.prove(), a.images(), a.clean(), a.doctor(), a.scaffold(),
		a.up(), a.status(), a.shell(), a.logs(), a.apply(), a.check(), a.reset(), a.down(), a.playground(),
		a.hint(), a.explain(), a.solution(), a.next(), a.progressed(),
	)
	return root
}

// errInterrupted is why the context of a command ended by Ctrl-C.
var errInterrupted = errors.New("interrupted")

// interruptible is a context that the first Ctrl-C ends, so that servers are
// removed; the second one exits at once.
func (a *App) interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	a.signals = make(chan os.Signal, 2)
	signal.Notify(a.signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for sig := range a.signals {
			if sig == os.Interrupt && a.elsewhere.Load() {
				continue
			}
			if ctx.Err() != nil {
				os.Exit(exitInvalid)
			}
			if says := a.farewell.Load().(string); says != "" {
				fmt.Fprintln(a.Err, says)
			}
			cancel(errInterrupted)
		}
	}()
	return ctx, func() { signal.Stop(a.signals); close(a.signals); cancel(nil) }
}

// find returns the lab called name, or the nearest names.
func (a *App) find(name string) (*lab.Lab, error) {
	name = strings.Trim(strings.TrimPrefix(name, "labs/"), "/")
	var near []string
	for _, l := range a.Labs {
		if l.Name == name {
			return l, nil
		}
		_, short, _ := strings.Cut(l.Name, "/")
		_, asked, ok := strings.Cut(name, "/")
		if !ok {
			asked = name
		}
		if strings.Contains(short, asked) || distance(short, asked) <= 3 || distance(l.Name, name) <= 4 {
			near = append(near, l.Name)
		}
	}
	if len(near) == 0 {
		return nil, fmt.Errorf("there is no lab %q; lab list shows all", name)
	}
	return nil, fmt.Errorf("there is no lab %q; did you mean %s?", name, strings.Join(near, " or "))
}

// pick returns the labs called names, or all.
func (a *App) pick(names []string) ([]*lab.Lab, error) {
	if len(names) == 0 {
		return a.Labs, nil
	}
	var picked []*lab.Lab
	for _, name := range names {
		l, err := a.find(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(picked, l) {
			picked = append(picked, l)
		}
	}
	return picked, nil
}

// oneLab wants the name of one lab.
func oneLab(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%s wants the name of one lab; lab list shows all", cmd.CommandPath())
	}
	return nil
}

// names completes lab names in the shell.
func (a *App) names(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, l := range a.Labs {
		names = append(names, l.Name+"\t"+l.Title)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// root is the checkout that the command runs in.
func (a *App) root() (string, error) {
	root, err := trial.Root(".")
	if err != nil {
		return "", fault{err}
	}
	return root, nil
}

// nearby is path as seen from the current folder, where that is shorter.
func nearby(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(here, path); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}

// log writes a line of progress.
func (a *App) log(format string, args ...any) { fmt.Fprintf(a.Err, format+"\n", args...) }

// json writes a result for programs.
func (a *App) json(v any) error {
	enc := json.NewEncoder(a.Out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// progress shows a run on stderr.
func (a *App) progress(verbose bool) func(lab.Event) {
	if verbose {
		return report.Details(a.Err)
	}
	_, tty := report.Terminal(a.Err)
	return report.Progress(a.Err, tty)
}

// distance is Levenshtein's between two names.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
