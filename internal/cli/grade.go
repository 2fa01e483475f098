package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"faultlab/internal/grade"
	"faultlab/internal/lab"
	"faultlab/internal/report"
	"faultlab/internal/rig"
)

// gradeFlags are what lab grade is told.
type gradeFlags struct {
	all, schema, verbose, trust       bool
	track, out, shard, replay, record string
	fixes                             []string
	seed                              uint64
	jobs                              int
}

func (a *App) grade() *cobra.Command {
	var o gradeFlags
	cmd := &cobra.Command{
		Use:   "grade [NAME…|--track ENGINE|--all] --fix DIR --out DIR",
		Short: "Judge what others handed in, and write results for courses and CI",
		Long: `Judges the named labs of each submission, every lab on fresh servers, with data
from a seed of its own; a lab without a fix has failed. With no lab named it
judges those that there is a fix of. --fix names a submission, or several with a
pattern in quotes: checkouts, zip or tar files of one, or, for one lab that is
named, of its files alone. Only the files that belong to a fix are taken. An
invalid run is repeated once on fresh servers.

Programs are built without a network and run in a sandbox: a container of their
own, from which nothing but the lab's servers can be reached. --trust runs them as
you instead, where there is no Docker engine of this machine's own Linux.

In --out: results.json (lab grade --schema prints its JSON Schema), junit.xml,
summary.md; and for each submission, in submissions/, what was judged, the
evidence, and results for Gradescope, PrairieLearn and Exercism. In a GitHub
workflow it writes annotations and the summary as well.

--replay results.json judges again, with the same seed, what an earlier grading
judged, and compares.

Exit status: 0 all pass, 1 some fail, 2 usage, 3 some invalid: not graded. Of a
replay: 0 the same outcomes, 1 others, 3 some invalid.`,
		ValidArgsFunction: a.names,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.schema {
				_, err := io.WriteString(a.Out, report.Schema())
				return err
			}
			if o.jobs < 0 {
				return errors.New("--jobs: how many fixes to judge at a time, 1 or more")
			}
			if o.out == "" {
				return errors.New("say --out DIR: where the results go")
			}
			if o.replay != "" {
				return a.regrade(cmd, o, args)
			}
			picked, err := a.graded(o, args)
			if err != nil {
				return err
			}
			paths, err := submissions(o.fixes)
			if err != nil {
				return err
			}
			whole, err := grade.Plan(paths, picked)
			if err != nil {
				return err
			}
			if len(args) == 0 && !o.all && o.track == "" {
				if whole, err = grade.There(whole); err != nil {
					return err
				}
			}
			mine := whole
			var shard *report.Shard
			if o.shard != "" {
				if shard, err = grade.ParseShard(o.shard); err != nil {
					return err
				}
				costs, err := grade.Costs()
				if err != nil {
					return fault{err}
				}
				mine = grade.Split(whole, *shard, costs)
			}
			g, err := a.judge(cmd, o, mine, whole, shard)
			if err != nil {
				return err
			}
			if o.record != "" {
				if err := grade.Record(o.record, g); err != nil {
					return fault{err}
				}
			}
			return exit(g.Exit())
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.fixes, "fix", nil, "a `submission`: a folder, zip or tar, or a pattern like 'forks/*'; may be repeated")
	f.StringVar(&o.out, "out", "", "`folder` for the results")
	f.BoolVar(&o.all, "all", false, "grade all labs")
	f.StringVar(&o.track, "track", "", "grade all labs of an `engine`")
	f.Uint64Var(&o.seed, "seed", 0, "what the data derives from; 0 chooses one")
	f.IntVar(&o.jobs, "jobs", 0, "judge so many fixes at a time; 0 is what this machine can: one a core, and 2 GiB for each")
	f.BoolVar(&o.trust, "trust", false, "run the programs as you, on this machine, and not in a sandbox")
	f.StringVar(&o.shard, "shard", "", "grade only this part, like `2/3`; lab grade merge puts the parts together")
	f.StringVar(&o.replay, "replay", "", "judge again what is in this `results.json`, and compare")
	f.BoolVar(&o.schema, "schema", false, "print the JSON Schema of results.json")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "show every command that is run against a server")
	f.StringVar(&o.record, "record", "", "write what each lab took to this file")
	_ = f.MarkHidden("record") // make costs
	for _, other := range []string{"fix", "seed", "shard", "all", "track"} {
		cmd.MarkFlagsMutuallyExclusive("replay", other)
	}
	cmd.MarkFlagsMutuallyExclusive("all", "track")
	cmd.AddCommand(a.merge())
	return cmd
}

func (a *App) merge() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "merge DIR… --out DIR",
		Short: "Put the results of several gradings together, as of shards",
		Long: `Puts together what lab grade wrote into several folders. A shard that is missing
is an error.

Exit status: as of lab grade.`,
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return errors.New("lab grade merge wants the folders that lab grade wrote results to")
			case out == "":
				return errors.New("say --out DIR: where the results go")
			}
			g, err := grade.Merge(out, args)
			if err != nil {
				return err
			}
			if err := a.tell(g, false); err != nil {
				return fault{err}
			}
			return exit(g.Exit())
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "`folder` for the results")
	return cmd
}

// exit is the error that carries an exit status.
func exit(code int) error {
	if code == 0 {
		return nil
	}
	return status(code)
}

// graded are the labs that the command line names.
func (a *App) graded(o gradeFlags, args []string) ([]*lab.Lab, error) {
	switch {
	case len(args) > 0 && (o.all || o.track != ""):
		return nil, errors.New("name labs, or say --track or --all: not both")
	case o.track == "":
		return a.pick(args)
	}
	var picked []*lab.Lab
	for _, l := range a.Labs {
		if strings.HasPrefix(l.Name, o.track+"/") {
			picked = append(picked, l)
		}
	}
	if len(picked) == 0 {
		return nil, fmt.Errorf("there is no lab of %q; lab list shows all", o.track)
	}
	return picked, nil
}

// submissions are the paths, with patterns replaced by what they match.
func submissions(fixes []string) ([]string, error) {
	if len(fixes) == 0 {
		return nil, errors.New("say --fix DIR: what to grade, a folder, zip or tar")
	}
	var paths []string
	for _, fix := range fixes {
		if _, err := os.Stat(fix); err == nil || !strings.ContainsAny(fix, "*?[") {
			paths = append(paths, fix)
			continue
		}
		found, err := filepath.Glob(fix)
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("--fix: nothing is called %s", fix)
		}
		slices.Sort(found)
		paths = append(paths, found...)
	}
	return paths, nil
}

// judge grades, writes the results and shows them.
func (a *App) judge(cmd *cobra.Command, o gradeFlags, mine, whole []grade.Attempt, shard *report.Shard) (*report.Grading, error) {
	root, err := a.root()
	if err != nil {
		return nil, err
	}
	if err := grade.Ready(o.out); err != nil {
		return nil, err
	}
	g := grade.New(root, o.out)
	if o.seed != 0 {
		g.Seed = o.seed
	}
	g.Trust = o.trust
	if g.Jobs = o.jobs; g.Jobs == 0 {
		g.Jobs = rig.Turns(cmd.Context())
	}
	g.Jobs = min(g.Jobs, len(mine))
	a.follow(g, o.verbose)
	g.Log("seed %d", g.Seed)
	got, ended := g.Grade(cmd.Context(), mine, whole, shard)
	if err := errors.Join(grade.Write(o.out, got), a.tell(got, true)); err != nil {
		return nil, fault{err}
	}
	if ended != nil {
		return nil, fault{fmt.Errorf("%d of %d graded: %w", len(got.Graded), len(mine), ended)}
	}
	return got, nil
}

// follow shows what g does: on a terminal as a run is shown, and else, or where several
// go on at a time, as lines.
func (a *App) follow(g *grade.Grader, verbose bool) {
	w := report.NewLines(a.Err)
	if workflow() {
		w = report.NewLines(report.Fence(a.Err))
	}
	g.Log = func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	g.Show = func(at grade.Attempt) func(lab.Event) {
		var to io.Writer = w
		switch {
		case g.Jobs > 1:
			to = w.Of(at.String())
		case !workflow():
			return a.progress(verbose)
		}
		if verbose {
			return report.Details(to)
		}
		return report.Progress(to, false)
	}
}

// regrade judges again what an earlier grading judged.
func (a *App) regrade(cmd *cobra.Command, o gradeFlags, args []string) error {
	was, err := grade.Read(o.replay)
	if err != nil {
		return err
	}
	if len(args) > 0 {
		picked, err := a.pick(args)
		if err != nil {
			return err
		}
		was.Graded = slices.DeleteFunc(was.Graded, func(x report.Graded) bool {
			return !slices.ContainsFunc(picked, func(l *lab.Lab) bool { return l.Name == x.Lab })
		})
	}
	plan, err := grade.Replay(o.replay, was, a.Labs)
	if err != nil {
		return err
	}
	if here, err := filepath.Abs(filepath.Dir(o.replay)); err == nil {
		if there, err := filepath.Abs(o.out); err == nil && here == there {
			return errors.New("--out: the results of a replay go into another folder than those that it replays")
		}
	}
	o.seed = was.Seed
	is, err := a.judge(cmd, o, plan, plan, nil)
	if err != nil {
		return err
	}
	differences := grade.Compare(was, is)
	for _, d := range differences {
		fmt.Fprintln(a.Out, d)
	}
	invalid := slices.ContainsFunc(is.Graded, func(x report.Graded) bool { return x.Verdict == lab.InvalidRun })
	switch {
	case invalid:
		return status(lab.InvalidRun.ExitCode())
	case len(differences) > 0:
		return status(lab.Fail.ExitCode())
	}
	fmt.Fprintf(a.Out, "the same %d outcomes as before\n", len(is.Graded))
	return nil
}

// workflow says whether this runs in a GitHub workflow.
func workflow() bool { return os.Getenv("GITHUB_ACTIONS") == "true" }

// tell shows a grading; in a GitHub workflow with the summary, and with annotations
// unless whoever graded has made them.
func (a *App) tell(g *report.Grading, annotate bool) error {
	if !workflow() {
		return g.Table(a.Out)
	}
	err := g.Table(report.Fence(a.Out))
	if annotate {
		err = errors.Join(err, g.Annotations(a.Out))
	}
	path := os.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" || err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write the workflow's summary: %w", err)
	}
	return errors.Join(g.Summary(f), f.Close())
}
