package grade

import (
	"archive/zip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"faultlab/internal/lab"
	"faultlab/internal/report"
	"faultlab/internal/trial"
	"faultlab/labs"
)

var (
	a = &lab.Lab{Name: "mysql/a", Title: "A", Fix: lab.Scripts("fix.sql")}
	b = &lab.Lab{Name: "redis/b", Title: "B", Fix: lab.Program()}
)

func write1(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// bench is a checkout with two labs, a folder of submissions, and a grader whose runs
// end as verdict says.
func bench(t *testing.T, verdict func(n int, o trial.Options) *lab.Result) (*Grader, string) {
	t.Helper()
	root := t.TempDir()
	write1(t, root, map[string]string{
		"labs/mysql/a/lab.go": "a", "labs/mysql/a/fix/fix.sql": "at home", "labs/redis/b/lab.go": "b",
		"handed/alice/labs/mysql/a/fix/fix.sql": "alice", "handed/alice/labs/redis/b/fix/main.go": "package main", "handed/alice/go.mod": "m",
		"handed/bob/labs/mysql/a/fix/fix.sql": "bob",
		"handed/carol.zip":                    "PK\x03\x04 and no more",
	})
	n := 0
	g := New(root, filepath.Join(root, "out"))
	g.Log, g.Show = t.Logf, func(Attempt) func(lab.Event) { return func(lab.Event) {} }
	g.Run = func(_ context.Context, _ string, l *lab.Lab, o trial.Options) (*lab.Result, error) {
		n++
		res := verdict(n, o)
		if res.Verdict == "" {
			return nil, lab.Blame(lab.ApplyCheck, errors.New(res.Reason))
		}
		res.Lab, res.Title, res.Seed, res.Started, res.Before, res.After = l.Name, l.Title, o.Seed, time.Now(), &lab.Readings{}, &lab.Readings{}
		if res.Verdict != lab.Pass {
			write1(t, o.Evidence, map[string]string{"mysql.log": "log"})
			res.Evidence = o.Evidence
		}
		return res, nil
	}
	if err := Ready(g.Out); err != nil {
		t.Fatal(err)
	}
	return g, filepath.Join(root, "handed")
}

func handed(dir string) []string {
	return []string{filepath.Join(dir, "alice"), filepath.Join(dir, "bob"), filepath.Join(dir, "carol.zip")}
}

func outcomes(g *report.Grading) (list []string) {
	for _, x := range g.Graded {
		list = append(list, x.Submission+" "+x.Lab+" "+string(x.Verdict)+" "+x.Reason)
	}
	return list
}

func TestGrade(t *testing.T) {
	var ran []trial.Options
	g, dir := bench(t, func(n int, o trial.Options) *lab.Result {
		ran = append(ran, o)
		return &lab.Result{Verdict: lab.Pass}
	})
	plan, err := Plan(handed(dir), []*lab.Lab{a, b})
	if err != nil {
		t.Fatal(err)
	}
	got, err := g.Grade(t.Context(), plan, plan, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"alice mysql/a pass ", "alice redis/b pass ",
		"bob mysql/a pass ", "bob redis/b fail there is no fix of redis/b: that is the .go files of one main package, in labs/redis/b/fix",
		"carol mysql/a fail the zip file is damaged: not a valid zip file", "carol redis/b fail the zip file is damaged: not a valid zip file",
	}
	if diff := cmp.Diff(want, outcomes(got)); diff != "" {
		t.Error(diff)
	}
	if len(ran) != 3 || ran[0].Files["fix.sql"] != "alice" || ran[2].Files["fix.sql"] != "bob" || ran[0].Seed != g.Seed || ran[2].Seed != g.Seed {
		t.Errorf("ran %+v", ran)
	}
	if g.Seed == 0 || g.Seed == trial.Seed || g.Seed >= 1<<53 {
		t.Errorf("seed %d", g.Seed)
	}
	if diff := cmp.Diff([]string{"go.mod"}, got.Graded[0].Fix.Ignored); diff != "" {
		t.Error(diff)
	}
	wantEvidence := []string{
		"submissions/alice/mysql/a/fix/fix.sql", "submissions/alice/mysql/a/run-1/report.html", "submissions/alice/mysql/a/run-1/result.json",
	}
	if diff := cmp.Diff(wantEvidence, got.Graded[0].Evidence); diff != "" {
		t.Error(diff)
	}
	if got.Exit() != 1 {
		t.Errorf("exit status %d", got.Exit())
	}
	if err := Write(g.Out, got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"results.json", "junit.xml", "summary.md", "submissions/alice/gradescope.json", "submissions/carol/prairielearn.json", "submissions/bob/redis/b/exercism.json"} {
		if _, err := os.Stat(filepath.Join(g.Out, filepath.FromSlash(name))); err != nil {
			t.Error(err)
		}
	}
	back, err := Read(filepath.Join(g.Out, "results.json"))
	if diff := cmp.Diff(outcomes(got), outcomes(back)); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

// Two go on at a time, and results keep the plan's order.
func TestJobs(t *testing.T) {
	g, dir := bench(t, nil)
	plan, err := Plan(handed(dir), []*lab.Lab{a, b})
	if err != nil {
		t.Fatal(err)
	}
	first, second := make(chan struct{}), make(chan struct{})
	g.Jobs = 2
	g.Run = func(ctx context.Context, _ string, l *lab.Lab, o trial.Options) (*lab.Result, error) {
		switch { // each of the first two waits for the other
		case l == b:
			close(second)
			<-first
		case o.Files["fix.sql"] == "alice":
			close(first)
			<-second
		}
		return &lab.Result{Lab: l.Name, Verdict: lab.Pass, Seed: o.Seed, Started: time.Now(), Before: &lab.Readings{}, After: &lab.Readings{}}, nil
	}
	got, err := g.Grade(t.Context(), plan, plan, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"alice mysql/a pass ", "alice redis/b pass ", "bob mysql/a pass "}, outcomes(got)[:3]); diff != "" || len(got.Graded) != len(plan) {
		t.Error(diff)
	}
}

// A fault of the machine is never a fail: it runs once more, and then it is not
// graded; what is written for Gradescope would be a zero, so nothing is.
func TestInvalid(t *testing.T) {
	for _, c := range []struct {
		name          string
		ends          []lab.Verdict
		verdict       lab.Verdict
		runs, exit    int
		retried, file bool
	}{
		{"at once", []lab.Verdict{lab.Pass}, lab.Pass, 1, 0, false, true},
		{"at the second", []lab.Verdict{lab.InvalidRun, lab.Pass}, lab.Pass, 2, 0, true, true},
		{"fails at the second", []lab.Verdict{lab.InvalidRun, lab.Fail}, lab.Fail, 2, 1, true, true},
		{"never", []lab.Verdict{lab.InvalidRun, lab.InvalidRun}, lab.InvalidRun, 2, 3, true, false},
		{"can't be applied", []lab.Verdict{""}, lab.Fail, 0, 1, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, dir := bench(t, func(n int, _ trial.Options) *lab.Result {
				res := &lab.Result{Verdict: c.ends[n-1]}
				if c.ends[n-1] != lab.Pass {
					res.Reason = "no engine"
				}
				return res
			})
			plan, err := Plan(handed(dir)[:1], []*lab.Lab{a})
			if err != nil {
				t.Fatal(err)
			}
			got, err := g.Grade(t.Context(), plan, plan, nil)
			if err != nil {
				t.Fatal(err)
			}
			x := got.Graded[0]
			if x.Verdict != c.verdict || x.Runs != c.runs || (x.Retried == "no engine") != c.retried || got.Exit() != c.exit || (x.Score == nil) != (c.exit == 3) {
				t.Errorf("%+v, exit status %d", x, got.Exit())
			}
			if err := Write(g.Out, got); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(g.Out, "submissions", "alice", "gradescope.json")); (err == nil) != c.file {
				t.Errorf("gradescope.json: %v", err)
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	g, dir := bench(t, func(n int, _ trial.Options) *lab.Result {
		if n == 2 {
			cancel(stop)
			return &lab.Result{Verdict: lab.InvalidRun, Reason: "interrupted"}
		}
		return &lab.Result{Verdict: lab.Pass}
	})
	plan, err := Plan(handed(dir), []*lab.Lab{a, b})
	if err != nil {
		t.Fatal(err)
	}
	run := g.Run
	g.Run = func(ctx context.Context, root string, l *lab.Lab, o trial.Options) (*lab.Result, error) {
		// Had it been killed here: nobody takes what is there for the whole.
		left, err := Read(filepath.Join(g.Out, "results.json"))
		if err != nil || left.Exit() != 3 || len(left.Graded)+len(left.Missing()) != 6 {
			t.Errorf("%v, %+v", err, left)
		}
		return run(ctx, root, l, o)
	}
	got, err := g.Grade(ctx, plan, plan, nil)
	if !errors.Is(err, stop) || len(got.Graded) != 1 || got.Exit() != 3 || len(got.Missing()) != 5 {
		t.Errorf("%v, %v, missing %v", err, outcomes(got), got.Missing())
	}
}

func TestReplay(t *testing.T) {
	end := lab.Pass
	g, dir := bench(t, func(int, trial.Options) *lab.Result { return &lab.Result{Verdict: end} })
	plan, err := Plan(handed(dir), []*lab.Lab{a, b})
	if err != nil {
		t.Fatal(err)
	}
	was, err := g.Grade(t.Context(), plan, plan, nil)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(g.Out, "results.json")
	again, err := Replay(file, was, []*lab.Lab{a, b})
	if err != nil || len(again) != 3 {
		t.Fatalf("%v, %d attempts", err, len(again))
	}
	g.Out = t.TempDir()
	is, err := g.Grade(t.Context(), again, again, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := Compare(was, is); d != nil {
		t.Error(d)
	}
	end = lab.Fail
	if is, err = g.Grade(t.Context(), again[:1], again[:1], nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"alice mysql/a: was pass 1, is fail 0"}, Compare(was, is)); diff != "" {
		t.Error(diff)
	}
	if _, err := Replay(file, was, []*lab.Lab{a}); err == nil || !strings.HasSuffix(err.Error(), "there is no lab redis/b here") {
		t.Error(err)
	}
	write1(t, filepath.Dir(file), map[string]string{"submissions/bob/mysql/a/fix/fix.sql": "another"})
	if _, err := Replay(file, was, []*lab.Lab{a, b}); err == nil || !strings.Contains(err.Error(), "is not what was graded") {
		t.Error(err)
	}
}

func TestSplit(t *testing.T) {
	var plan []Attempt
	for _, name := range []string{"mysql/a", "mysql/b", "mysql/c", "mysql/d", "mysql/new"} {
		plan = append(plan, Attempt{Submission: "s", Lab: &lab.Lab{Name: name}})
	}
	costs := map[string]float64{"mysql/a": 1, "mysql/b": 9, "mysql/c": 2, "mysql/d": 8} // the new one counts 5
	var got [][]string
	for i := 1; i <= 2; i++ {
		var names []string
		for _, x := range Split(plan, report.Shard{Index: i, Of: 2}, costs) {
			names = append(names, x.Lab.Name)
		}
		got = append(got, names)
	}
	want := [][]string{{"mysql/a", "mysql/b", "mysql/c"}, {"mysql/d", "mysql/new"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(Split(plan, report.Shard{Index: 7, Of: 7}, nil)); n != 0 {
		t.Errorf("a shard more than attempts has %d", n)
	}
	for text, ok := range map[string]bool{"1/1": true, "2/3": true, "0/3": false, "4/3": false, "1": false, "1/3x": false, "a/b": false, "01/3": false, "1/0": false} {
		if _, err := ParseShard(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestCosts(t *testing.T) {
	costs, err := Costs()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range costs { // a lab that is new may still lack one
		if c <= 0 || indexOf(labs.All, name) < 0 {
			t.Errorf("costs.json has %s: %v; make costs writes it anew", name, c)
		}
	}
}

func TestMerge(t *testing.T) {
	g, dir := bench(t, func(int, trial.Options) *lab.Result { return &lab.Result{Verdict: lab.Pass} })
	whole, err := Plan(handed(dir), []*lab.Lab{a, b})
	if err != nil {
		t.Fatal(err)
	}
	top := g.Out
	var dirs []string
	for i := 1; i <= 3; i++ {
		s := report.Shard{Index: i, Of: 3}
		g.Out = filepath.Join(top+"-parts", string(rune('0'+i)))
		dirs = append(dirs, g.Out)
		if err := Ready(g.Out); err != nil {
			t.Fatal(err)
		}
		got, err := g.Grade(t.Context(), Split(whole, s, nil), whole, &s)
		if err != nil || len(got.Graded) != 2 || len(got.Missing()) > 0 {
			t.Fatal(err, outcomes(got))
		}
		if err := Write(g.Out, got); err != nil {
			t.Fatal(err)
		}
	}
	all, err := Merge(top, dirs)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, x := range whole {
		want = append(want, x.Submission+" "+x.Lab.Name)
	}
	var got []string
	for _, x := range all.Graded {
		got = append(got, x.Submission+" "+x.Lab)
		for _, file := range x.Evidence {
			if _, err := os.Stat(filepath.Join(top, filepath.FromSlash(file))); err != nil {
				t.Error(err)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || all.Shard != nil || all.Exit() != 1 {
		t.Error(diff, all.Shard, all.Exit())
	}
	if text, err := os.ReadFile(filepath.Join(top, "submissions", "alice", "gradescope.json")); err != nil || strings.Count(string(text), "max_score") != 2 {
		t.Errorf("%v: %s", err, text)
	}
	begun := filepath.Join(t.TempDir(), "begun")
	if err := Ready(begun); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dirs []string
		want string
	}{
		{dirs[:2], "a part of the grading is missing: shard 3/3"},
		{[]string{dirs[2]}, "a part of the grading is missing: shard 1/3, 2/3"},
		{[]string{dirs[0], dirs[0], dirs[1]}, "are both shard 1 of 3"},
		{[]string{dirs[0], top}, "are not of the same grading"},
		{[]string{top, top}, "merge each once"},
		{[]string{filepath.Join(top, "no")}, "no such file"},
		{[]string{top, begun}, "begun: its grading had not begun when it ended"},
	} {
		if _, err := Merge(filepath.Join(t.TempDir(), "out"), c.dirs); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.dirs, err)
		}
	}
}

// A results.json that somebody else wrote names no folder outside of its own.
func TestReadRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, x := range []string{`"submission": "../x", "lab": "mysql/a"`, `"submission": "a/b", "lab": "mysql/a"`, `"submission": "a", "lab": "../../a"`, `"submission": "a", "lab": "mysql"`} {
		file := filepath.Join(dir, "results.json")
		write1(t, dir, map[string]string{"results.json": `{"version": 1, "graded": [{` + x + `}]}`})
		if _, err := Read(file); err == nil || !strings.HasSuffix(err.Error(), "are no names of a submission and a lab") {
			t.Errorf("%s: %v", x, err)
		}
	}
}

func TestReady(t *testing.T) {
	dir := t.TempDir()
	write1(t, dir, map[string]string{"mine.txt": "mine"})
	if err := Ready(dir); err == nil || !strings.Contains(err.Error(), "is not empty, and not of an earlier grading") {
		t.Error(err)
	}
	out := filepath.Join(dir, "new", "out")
	for range 2 {
		if err := Ready(out); err != nil {
			t.Fatal(err)
		}
		write1(t, out, map[string]string{"submissions/old/x": "x"})
	}
	if err := Ready(filepath.Join(dir, "mine.txt")); err == nil {
		t.Error("a file is no folder")
	}
}

func TestNames(t *testing.T) {
	dir := t.TempDir()
	write1(t, dir, map[string]string{"1/x/fix.sql": "x", "2/x/fix.sql": "x", "...": "", "a:b*c": ""})
	f, err := os.Create(filepath.Join(dir, "x.zip"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(zip.NewWriter(f).Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, p := range []string{"1/x", "2/x", "x.zip", "...", "a:b*c"} {
		paths = append(paths, filepath.Join(dir, p))
	}
	plan, err := Plan(paths, []*lab.Lab{a})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range plan {
		got = append(got, x.Submission)
	}
	if diff := cmp.Diff([]string{"x", "x-2", "x-3", "submission", "a-b-c"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := Plan([]string{filepath.Join(dir, "no")}, []*lab.Lab{a}); err == nil {
		t.Error("what is not there was planned")
	}
}
