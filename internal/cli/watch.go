package cli

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/progress"
	"faultlab/internal/report"
	"faultlab/internal/trial"
	"faultlab/internal/watch"
)

func (a *App) watch() *cobra.Command {
	var o trial.Options
	cmd := &cobra.Command{
		Use:   "watch [NAME]",
		Short: "Judge your fix again whenever you save it",
		Long: `Runs the lab as lab run does, and again after each edit of fix/. An edit during
a run ends it and starts another; what was ended counts for nothing. Without
NAME it is the lab that was run last. With --program an edit is one of a file in
fix/ itself, not in a folder there.

On a terminal it is one screen: the phases, the readings as they are taken, the
checks, and what changed since the last run. Keys: r runs, h shows the next hint,
b the brief, s opens the shell of the playground, q quits. Elsewhere it prints
lines until it is interrupted.

Exit status: 0 it was ended, 2 usage, 3 this machine can't.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.names,
		RunE: func(cmd *cobra.Command, args []string) error {
			root, l, err := a.lastOr(args)
			if err == nil {
				err = takesCommand(l, o.Command)
			}
			for l != nil && err == nil {
				l, err = a.watchLab(cmd.Context(), root, l, o)
				o.Command = "" // the next lab's program is another
			}
			return err
		},
	}
	runFlags(cmd, &o)
	return cmd
}

// lastOr is the lab that is named, or the one that was run last.
func (a *App) lastOr(args []string) (root string, l *lab.Lab, err error) {
	if len(args) > 0 {
		l, root, err = a.place(args[0])
		return root, l, err
	}
	if root, err = a.root(); err != nil {
		return "", nil, err
	}
	last, err := trial.Last(root, "")
	switch {
	case err != nil:
		return "", nil, fault{err}
	case last == nil:
		return "", nil, errors.New("no lab was run here yet; say which one: lab watch NAME (lab list shows all)")
	}
	l, err = a.find(last.Lab)
	return root, l, err
}

// watched is a lab that is being watched.
type watched struct {
	app  *App
	root string
	lab  *lab.Lab
	opts trial.Options
	made bool        // fix/, and no run came to its end since
	last *lab.Result // of the last run that came to its end
	busy atomic.Bool
	tell atomic.Value // func(any): the screen, or lines
}

// watchLab watches one lab, and returns the one that is wanted next.
func (a *App) watchLab(ctx context.Context, root string, l *lab.Lab, o trial.Options) (next *lab.Lab, err error) {
	w := &watched{app: a, root: root, lab: l, opts: o}
	w.opts.Keep, w.opts.Show = true, func(e lab.Event) { w.told(e) }
	if w.made, err = trial.EnsureFix(trial.Dir(root, l.Name)); err != nil {
		return nil, fault{err}
	}
	a.farewell.Store("") // while no run is on
	ctx, end := context.WithCancel(ctx)
	defer end()
	again := make(chan struct{}, 1)
	loop := watch.Loop{Look: w.look, Run: w.run, Broken: func(err error) { w.told(watch.Broken{Err: err}) }}
	ro, tty := report.Terminal(a.Out)
	if !tty || !term.IsTerminal(int(os.Stdin.Fd())) {
		w.tell.Store(w.lines(ctx))
		loop.Watch(ctx, again)
		return nil, nil
	}
	s := w.screen(ro, again)
	w.tell.Store(s.Tell)
	done := make(chan struct{})
	go func() { defer close(done); loop.Watch(ctx, again) }()
	next, err = s.Show(ctx, os.Stdin, a.Out)
	w.tell.Store(w.lines(ctx))
	if next == nil && w.busy.Load() && ctx.Err() == nil {
		a.signals <- os.Interrupt // as if it was one: the next ends the command at once
	}
	end()
	<-done
	if err != nil {
		return nil, fault{err}
	}
	if w.last != nil {
		a.log("%s\nlab report %s shows it again", report.Verdict(w.last, ro), l.Name)
	}
	return next, nil
}

func (w *watched) told(what any) { w.tell.Load().(func(any))(what) }

// look says what is in fix/ of that which a run would take.
func (w *watched) look() (string, error) {
	dir := trial.Dir(w.root, w.lab.Name)
	if w.opts.Command != "" {
		return plainFiles(filepath.Join(dir, "fix"))
	}
	v, err := fix.Read(dir, "fix", w.lab.Fix)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%q", v.Files))), nil // a map is printed sorted
}

// plainFiles says what is in a folder whose program is started by a command: in
// its plain files, for what lies in folders may be what the program leaves.
func plainFiles(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("look into fix/: %w", err)
	}
	h := sha256.New()
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", fmt.Errorf("look into fix/: %w", err)
		}
		fmt.Fprintf(h, "%q %q", e.Name(), text)
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// run judges fix/. A run that was dropped is no run.
func (w *watched) run(ctx context.Context) {
	w.busy.Store(true)
	w.app.farewell.Store(farewell)
	defer func() { w.busy.Store(false); w.app.farewell.Store("") }()
	w.told(watch.Began{At: time.Now()})
	defer context.AfterFunc(ctx, func() { w.told(watch.Dropping{}) })()
	res, err := trial.Run(ctx, w.root, w.lab, w.opts)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		w.told(watch.Broken{Err: err})
		return
	}
	w.last = res
	e := watch.Ended{Result: res, Advice: advice(w.root, res, w.made)}
	w.made = false
	if err := w.app.remember(w.lab, res); err != nil {
		e.Advice += "\n" + err.Error()
	}
	if done, err := progress.Load(); err == nil && res.Verdict == lab.Pass {
		e.Next = w.app.unsolved(done)
	}
	w.told(e)
}

func (w *watched) screen(o report.Options, again chan<- struct{}) *watch.Screen {
	dir := trial.Dir(w.root, w.lab.Name)
	return &watch.Screen{
		Lab: w.lab, Fix: nearby(filepath.Join(dir, "fix")), Options: o, Render: render,
		Run: func() {
			select {
			case again <- struct{}{}:
			default: // it is asked for already
			}
		},
		Brief: func() (string, error) {
			text, err := os.ReadFile(filepath.Join(dir, "README.md"))
			return string(text), err
		},
		Hint: func() (rung, note string, err error) {
			rungs, err := trial.Hints(dir)
			if err != nil {
				return "", "", err
			}
			done, err := progress.Load()
			if err != nil {
				return "", "", err
			}
			return climb(done, w.lab.Name, rungs)
		},
		Shell: w.shell,
	}
}

// shell is lab shell, as a process of its own: what it reads of the keyboard it
// takes with it when it ends.
func (w *watched) shell() (run func() error, err error) {
	if _, _, err := w.app.dial(w.lab.Name); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return func() error {
		w.app.elsewhere.Store(true)
		defer w.app.elsewhere.Store(false)
		cmd := exec.Command(self, "shell", w.lab.Name) //nolint:noctx // whoever sits there ends it
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, w.app.Out, w.app.Err
		return cmd.Run()
	}, nil
}

// lines prints what happens: results to stdout, the rest to stderr.
func (w *watched) lines(ctx context.Context) func(any) {
	a, show := w.app, w.app.progress(false)
	runs := 0
	var last *lab.Result
	return func(what any) {
		switch what := what.(type) {
		case watch.Began:
			runs++
			a.log("run %d of %s; an edit of %s starts another", runs, w.lab.Name, nearby(filepath.Join(trial.Dir(w.root, w.lab.Name), "fix")))
		case lab.Event:
			show(what)
		case watch.Dropping:
			if ctx.Err() == nil { // else the end of all was announced
				a.log("fix/ has changed: ending this run")
			}
		case watch.Broken:
			a.log("lab: %v", what.Err)
		case watch.Ended:
			if err := a.print(what.Result, false); err != nil {
				a.log("lab: %v", err)
			}
			if o, _ := report.Terminal(a.Out); last != nil {
				_ = report.Since(a.Out, last, what.Result, o)
			}
			if v := what.Result.Verdict; v == lab.Pass || v == lab.Fail {
				last = what.Result
			}
			if what.Advice != "" {
				a.log("\n%s", what.Advice)
			}
			if n := what.Next; n != nil {
				a.log("The next lab is %s, %s: lab watch %s", n.Name, n.Title, n.Name)
			}
		}
	}
}
