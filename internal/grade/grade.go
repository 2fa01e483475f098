// Package grade judges what was handed in: labs of submissions, each on fresh
// servers, and the results as files.
package grade

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/sync/errgroup"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/report"
	"faultlab/internal/submission"
	"faultlab/internal/trial"
	"faultlab/internal/whole"
)

// Grader grades.
type Grader struct {
	Root string // the checkout
	Out  string // where the results go
	Seed uint64 // chosen by New
	// Trust runs programs that were handed in as whoever grades, in no sandbox.
	Trust bool
	// Jobs is how many attempts are judged at a time; at least one.
	Jobs int
	// Show gives what is told of an attempt's run, Log a line about each attempt.
	Show func(Attempt) func(lab.Event)
	Log  func(format string, args ...any)
	// Run judges one fix; New sets trial.Run.
	Run func(ctx context.Context, root string, l *lab.Lab, o trial.Options) (*lab.Result, error)
}

// New is a grader with a seed of its own: an answer that is fitted to the data that
// people have at home is of no use.
func New(root, out string) *Grader {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	// Numbers of JSON are exact below 2^53, and 0 is no seed.
	return &Grader{Root: root, Out: out, Seed: binary.LittleEndian.Uint64(b[:])>>11 | 1, Run: trial.Run}
}

// Attempt is a lab of a submission, and its fix.
type Attempt struct {
	Submission string
	Lab        *lab.Lab
	fix        submission.Fix
	ignored    []string
	err        error // why there is no fix; the submission's
}

func (a Attempt) String() string { return a.Submission + " " + a.Lab.Name }

// key is what the attempt is called in results.
func (a Attempt) key() report.Attempt {
	return report.Attempt{Submission: a.Submission, Lab: a.Lab.Name}
}

// Plan opens what was handed in at the paths and takes each lab's fix out of it. What
// can't be read of a submission is held against it; the error is about the paths.
func Plan(paths []string, labs []*lab.Lab) ([]Attempt, error) {
	var plan []Attempt
	names := map[string]bool{}
	for _, path := range paths {
		s, err := submission.Open(path)
		var u *submission.Unreadable
		if err != nil && !errors.As(err, &u) {
			return nil, err
		}
		name := unused(folder(s.Name), names)
		names[name] = true
		from := len(plan)
		for _, l := range labs {
			a := Attempt{Submission: name, Lab: l, err: err}
			if err == nil {
				a.fix, a.err = s.Take(l.Name, l.Fix, len(labs) == 1)
			}
			plan = append(plan, a)
		}
		if err == nil {
			ignored := s.Ignored()
			for i := from; i < len(plan); i++ {
				plan[i].ignored = ignored
			}
		}
	}
	return plan, nil
}

// There is the plan without the labs that a submission has no fix of. What is not a
// checkout does not say which labs it is of.
func There(plan []Attempt) ([]Attempt, error) {
	var there []Attempt
	for _, a := range plan {
		var m *submission.Missing
		var u *submission.Unreadable
		switch {
		case errors.As(a.err, &u):
			return nil, fmt.Errorf("%s: %w", a.Submission, u)
		case !errors.As(a.err, &m):
			there = append(there, a)
		}
	}
	for _, a := range plan {
		if !slices.ContainsFunc(there, func(b Attempt) bool { return a.Submission == b.Submission }) {
			return nil, fmt.Errorf("%s holds no labs/<engine>/<name>/fix with a fix: name the labs to grade", a.Submission)
		}
	}
	return there, nil
}

// folder is a name that a folder can have on every system.
func folder(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.+@ ", r) {
			return r
		}
		return '-'
	}, strings.ToValidUTF8(name, "-"))
	if name = strings.Trim(name, ". "); name == "" {
		return "submission"
	}
	return name
}

func unused(name string, names map[string]bool) string {
	for i, try := 2, name; ; i, try = i+1, fmt.Sprintf("%s-%d", name, i) {
		if !names[try] {
			return try
		}
	}
}

// Grade runs the attempts and returns what came of them, also of those before an
// interruption; then the error is why it ended. whole is the grading that they are
// part of, if it is split.
func (g *Grader) Grade(ctx context.Context, attempts, whole []Attempt, shard *report.Shard) (*report.Grading, error) {
	all := report.NewGrading()
	all.Faultlab, all.Go = revision(), runtime.Version()
	all.Machine = lab.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU()}
	all.Seed, all.Shard, all.Started = g.Seed, shard, time.Now().UTC().Truncate(time.Millisecond)
	for _, a := range whole {
		all.Planned = append(all.Planned, a.key())
	}
	if err := results(g.Out, all); err != nil { // what was planned is there, whatever becomes of us
		return all, err
	}
	graded := make([]*report.Graded, len(attempts))
	var mu sync.Mutex
	jobs, ctx := errgroup.WithContext(ctx)
	jobs.SetLimit(max(1, g.Jobs))
	for i, a := range attempts {
		jobs.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			g.Log("%d of %d: %s", i+1, len(attempts), a)
			x, err := g.attempt(ctx, a)
			if err != nil {
				return err
			}
			if ctx.Err() != nil { // whatever it ended with, it was cut off
				return context.Cause(ctx)
			}
			g.Log("%s: %s", a, x.Verdict)
			mu.Lock()
			defer mu.Unlock()
			graded[i] = &x
			all.Graded = all.Graded[:0] // in the order of the plan
			for _, x := range graded {
				if x != nil {
					all.Graded = append(all.Graded, *x)
				}
			}
			return results(g.Out, all)
		})
	}
	err := jobs.Wait()
	all.Seconds = time.Since(all.Started).Seconds()
	return all, err
}

// attempt judges one fix. The error is that results can't be written.
func (g *Grader) attempt(ctx context.Context, a Attempt) (report.Graded, error) {
	x := report.Graded{
		Attempt: a.key(), Title: a.Lab.Title, Evidence: []string{},
		Fix: report.HandedIn{Files: []string{}, Ignored: append([]string{}, a.ignored...)},
	}
	digest, err := labDigest(trial.Dir(g.Root, a.Lab.Name))
	if err != nil {
		return x, err
	}
	x.LabDigest = digest
	dir := filepath.Join("submissions", a.Submission, filepath.FromSlash(a.Lab.Name))
	if a.err != nil {
		fail(&x, a.err)
		return x, nil //nolint:nilerr // it is said in the result
	}
	x.Fix.Folder, x.Fix.Files, x.Fix.Digest = a.fix.Folder, a.fix.Names(), a.fix.Digest()
	// Kept beside its results: a replay reads it there.
	if err := fix.Write(filepath.Join(g.Out, dir, "fix"), a.fix.Files); err != nil {
		return x, fmt.Errorf("keep fix: %w", err)
	}
	var res *lab.Result
	for {
		evidence := filepath.Join(g.Out, dir, fmt.Sprintf("run-%d", x.Runs+1))
		var theirs *lab.Fault
		if res, theirs = g.once(ctx, a, evidence); theirs != nil {
			fail(&x, theirs)
			return x, nil
		}
		x.Runs++
		if err := keep(evidence, res); err != nil {
			return x, err
		}
		if res.Verdict != lab.InvalidRun || x.Runs == 2 || ctx.Err() != nil {
			break
		}
		x.Retried = res.Reason
		g.Log("%s: invalid, which is not the submission's fault: once more on fresh servers", a)
	}
	run := report.Documented(res)
	run.Series, run.Evidence = run.Series[:0], ""
	x.Verdict, x.Score, x.Reason, x.Run = res.Verdict, res.Score(), res.Reason, &run
	x.Evidence, err = files(g.Out, dir)
	return x, err
}

// once runs a fix, or says why it can't be: theirs is the submission's fault, and
// another error makes the run invalid.
func (g *Grader) once(ctx context.Context, a Attempt, evidence string) (res *lab.Result, theirs *lab.Fault) {
	res, err := g.Run(ctx, g.Root, a.Lab, trial.Options{
		Variant: "fix", Files: a.fix.Files, Sandbox: !g.Trust, Seed: g.Seed, Show: g.Show(a), Evidence: evidence,
	})
	if err == nil || errors.As(err, &theirs) {
		return res, theirs
	}
	return &lab.Result{
		Lab: a.Lab.Name, Title: a.Lab.Title, Variant: "fix", Seed: g.Seed, Started: time.Now(),
		Verdict: lab.InvalidRun, Reason: err.Error(),
	}, nil
}

// fail is an attempt without a fix that can be run.
func fail(x *report.Graded, err error) {
	x.Verdict, x.Score, x.Reason = lab.Fail, new(float64), err.Error()
}

// keep writes a run, whole, beside its evidence.
func keep(dir string, res *lab.Result) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("keep result: %w", err)
	}
	shown := *res
	if shown.Evidence != "" {
		shown.Evidence = "."
	}
	err := create(filepath.Join(dir, "result.json"), func(f io.Writer) error { return report.JSON(f, &shown) })
	if err == nil {
		err = create(filepath.Join(dir, "report.html"), func(f io.Writer) error { return report.HTML(f, &shown, os.DirFS(dir)) })
	}
	return err
}

// create writes a result, whole or not at all.
func create(path string, do func(io.Writer) error) error {
	if err := whole.Write(path, 0o644, do); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}

// files lists what lies below dir, as seen from out.
func files(out, dir string) ([]string, error) {
	list := []string{}
	err := filepath.WalkDir(filepath.Join(out, dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(out, path)
		list = append(list, filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list evidence: %w", err)
	}
	slices.Sort(list)
	return list, nil
}

// labDigest names all that a lab's folder holds, but for a learner's fix/.
func labDigest(dir string) (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (rel == "fix" || strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(h, "%q %d\n%s\n", filepath.ToSlash(rel), len(text), text)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read lab: %w", err)
	}
	return fmt.Sprintf("sha256:%x", h.Sum(nil)), nil
}

// revision is the commit that the command was built from, as far as Go noted it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	rev, changed := "unknown", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			rev = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = " with changes"
		}
	}
	return rev + changed
}
