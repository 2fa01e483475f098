package hostile

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"faultlab/internal/engine"
	"faultlab/internal/grade"
	"faultlab/internal/lab"
	"faultlab/internal/owner"
	"faultlab/internal/report"
	"faultlab/internal/trial"
	"faultlab/labs"

	"github.com/moby/moby/client"
)

// hostile is a file of testdata.
type hostile struct {
	name, tries string
	verdict     lab.Verdict
	check       string // the check that it must fail on; empty: any
	text        string
}

var headRE = regexp.MustCompile(`^(?:--|//) tries: (.*)\n(?:--|//) must: (\w+) ?([a-z-]*)\n`)

// all reads a folder of testdata.
func all(t *testing.T, pattern string) (list []hostile) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	for _, file := range files {
		text := read(t, file)
		m := headRE.FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("%s does not say what it tries and what it must get", file)
		}
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		list = append(list, hostile{name, m[1], lab.Verdict(m[2]), m[3], text})
	}
	return list
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// listeners are where nothing may come: on the harness's own address, on this
// machine's others (one of them is the gateway of the containers), on a socket of
// no file, and on every other address at once.
func listeners(t *testing.T) (addrs []string, reached *atomic.Int64) {
	t.Helper()
	reached = new(atomic.Int64)
	listen := func(nw, addr string) net.Listener {
		l, err := net.Listen(nw, addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				reached.Add(1)
				c.Close()
			}
		}()
		return l
	}
	_, port, _ := net.SplitHostPort(listen("tcp4", "0.0.0.0:0").Addr().String())
	listen("unix", "@faultlab-hostile")
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range interfaces {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			addrs = append(addrs, net.JoinHostPort(n.IP.String(), port))
		}
	}
	return append(addrs, listen("tcp4", "127.0.0.1:0").Addr().String()), reached
}

func find(t *testing.T, name string) *lab.Lab {
	t.Helper()
	i := slices.IndexFunc(labs.All, func(l *lab.Lab) bool { return l.Name == name })
	if i < 0 {
		t.Fatalf("no lab %s", name)
	}
	return labs.All[i]
}

// sharing is a lab whose runs go on the same servers, one after another, and measure
// the broken state once: a run is then what the program that is handed in does.
// It is for labs of programs that begin anew each time.
func sharing(t *testing.T, l *lab.Lab, limit *time.Duration) *lab.Lab {
	t.Helper()
	scratch := t.TempDir()
	var once sync.Once
	var inner lab.Run
	var r rigOnce
	var before *lab.Readings
	shared := *l
	shared.New = func(env lab.Env) lab.Run {
		once.Do(func() {
			env.Scratch, env.Log, env.Sample = scratch, func(string, ...any) {}, func(string, string, float64) {}
			inner = l.New(env)
			r.Rig = inner.Rig
			t.Cleanup(func() {
				if err := r.Rig.Stop(context.Background()); err != nil {
					t.Error(err)
				}
			})
		})
		x := inner
		x.Rig, x.Limits = &r, map[lab.Phase]time.Duration{lab.Remeasure: *limit}
		x.Measure = func(ctx context.Context, v lab.Variant, into *lab.Readings) error {
			if v.Name != "start" {
				return inner.Measure(ctx, v, into)
			}
			if before == nil {
				fresh := new(lab.Readings)
				if err := inner.Measure(ctx, v, fresh); err != nil {
					return err
				}
				before = fresh
			}
			for _, reading := range before.All() {
				into.Set(reading.Name, reading.Unit, reading.Value)
			}
			return nil
		}
		return x
	}
	return &shared
}

// rigOnce starts once and is stopped by the test.
type rigOnce struct {
	lab.Rig
	print lab.Fingerprint
	up    bool
}

func (r *rigOnce) Admit(ctx context.Context) error {
	if r.up {
		return nil
	}
	return r.Rig.(lab.Admitter).Admit(ctx)
}

func (r *rigOnce) Start(ctx context.Context) (_ lab.Fingerprint, seeded bool, err error) {
	if r.up {
		return r.print, true, nil
	}
	r.print, seeded, err = r.Rig.Start(ctx)
	r.up = err == nil
	return r.print, seeded, err
}

func (r *rigOnce) Save(ctx context.Context, print lab.Fingerprint) error {
	r.print = print
	return r.Rig.Save(ctx, print)
}

func (r *rigOnce) Stop(context.Context) error { return nil }

// graded grades the files as the fix of a lab, as lab grade does.
func graded(t *testing.T, l *lab.Lab, name string, files map[string]string) (*report.Grading, string) {
	t.Helper()
	root, err := trial.Root(".")
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	handed := filepath.Join(t.TempDir(), name)
	for file, text := range files {
		path := filepath.Join(handed, "labs", filepath.FromSlash(l.Name), "fix", file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	plan, err := grade.Plan([]string{handed}, []*lab.Lab{l})
	if err != nil {
		t.Fatal(err)
	}
	g := grade.New(root, out)
	g.Seed, g.Log = trial.Seed, t.Logf // the snapshot of others serves
	g.Show = func(grade.Attempt) func(lab.Event) { return func(lab.Event) {} }
	got, err := g.Grade(t.Context(), plan, plan, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := grade.Write(out, got); err != nil {
		t.Fatal(err)
	}
	return got, out
}

// judged holds a grading against what a file says that it must get.
func (h hostile) judged(t *testing.T, g *report.Grading, out string) {
	t.Helper()
	x := g.Graded[0]
	var failed, said []string
	if x.Run != nil {
		failed = x.Run.Failed
		for _, c := range x.Run.Checks {
			if !c.OK && !c.Skipped {
				said = append(said, c.ID+": "+c.Got)
			}
		}
	}
	t.Logf("%s %s: %s; %v", x.Verdict, strings.Join(failed, ","), x.Reason, said)
	if x.Verdict != h.verdict || h.check != "" && !slices.Contains(failed, h.check) {
		t.Errorf("tries %s: %s %v, must be %s %s", h.tries, x.Verdict, failed, h.verdict, h.check)
	}
	if x.Runs > 1 {
		t.Errorf("it was taken for a fault of the machine: %s", x.Retried)
	}
	if x.Verdict != lab.Pass && (x.Score == nil || *x.Score > 0) {
		t.Errorf("it has a score of %v", x.Score)
	}
	size := int64(0)
	_ = filepath.Walk(out, func(_ string, info os.FileInfo, err error) error {
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if size > 16<<20 {
		t.Errorf("its results take %d MiB", size>>20)
	}
	var text strings.Builder
	if err := errors.Join(g.Table(report.Fence(&text)), g.Annotations(&text)); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		if command := strings.HasPrefix(line, "::") || strings.HasPrefix(line, "##["); command && strings.HasPrefix(line[2:], "error title=forged") {
			t.Errorf("a command of its own gets through: %q", line)
		}
	}
}

// left says which containers of programs there are, made by this process.
func left(t *testing.T) (names []string) {
	t.Helper()
	api, err := engine.Client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	mine := owner.Labels("")
	list, err := api.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", owner.PID+"="+mine[owner.PID])})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list.Items {
		if strings.HasPrefix(c.Image, "faultlab/sandbox") {
			names = append(names, c.ID)
		}
	}
	return names
}

func needs(t *testing.T) {
	t.Helper()
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("needs a Docker engine of this Linux")
	}
}

// TestPrograms hands in programs of mysql/oversell.
func TestPrograms(t *testing.T) {
	needs(t)
	var limit time.Duration
	l := sharing(t, find(t, "mysql/oversell"), &limit)
	dir := filepath.Join("..", "..", "labs", "mysql", "oversell")
	files := map[string]string{
		"main.go":  read(t, filepath.Join(dir, "start", "main.go")),
		"gain.go":  read(t, filepath.Join("testdata", "oversell", "common", "gain.go")),
		"wrong.go": strings.Replace(read(t, filepath.Join(dir, "start", "sale.go")), "func buy(", "func wrong(", 1),
		"right.go": strings.Replace(read(t, filepath.Join(dir, "solution", "sale.go")), "func buy(", "func right(", 1),
	}
	addrs, reached := listeners(t)
	hand := func(t *testing.T, h hostile) {
		limit = 2 * time.Minute
		if h.name == "silent" || h.name == "lock" { // end by nothing else
			limit = 10 * time.Second
		}
		files["hostile.go"] = strings.ReplaceAll(h.text, "@LISTENERS@", strings.Join(addrs, " "))
		g, out := graded(t, l, h.name, files)
		h.judged(t, g, out)
		if n := left(t); len(n) > 0 {
			t.Errorf("it has left %v", n)
		}
	}
	// What is right when it gains passes: else the others would prove nothing.
	t.Run("control", func(t *testing.T) {
		hand(t, hostile{"control", "nothing", lab.Pass, "", "package main\n\nfunc init() { gain(true, \"nothing\") }\n"})
	})
	for _, h := range all(t, "oversell/*.go") {
		t.Run(h.name, func(t *testing.T) { hand(t, h) })
	}
	if n := reached.Load(); n > 0 {
		t.Errorf("somebody came %d times where nobody may", n)
	}
}
