package lab_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"faultlab/internal/lab"
)

// fake is a rig and a run whose every step can be told to misbehave.
type fake struct {
	seeded bool
	does   map[string]func(ctx context.Context) error // by step
	before []lab.Reading
	after  []lab.Reading

	mu     sync.Mutex
	called map[string]int
	env    lab.Env
}

func newFake() *fake {
	return &fake{
		does:   map[string]func(context.Context) error{},
		called: map[string]int{},
		before: []lab.Reading{{Name: "rows", Value: 1000}},
		after:  []lab.Reading{{Name: "rows", Value: 10}, {Name: "lost", Value: 0}},
	}
}

func (f *fake) step(ctx context.Context, name string) error {
	f.mu.Lock()
	f.called[name]++
	f.mu.Unlock()
	if do := f.does[name]; do != nil {
		return do(ctx)
	}
	return nil
}

func (f *fake) times(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.called[name]
}

func (f *fake) Admit(ctx context.Context) error { return f.step(ctx, "admit") }
func (f *fake) Start(ctx context.Context) (lab.Fingerprint, bool, error) {
	return lab.Fingerprint{"rows": "kept"}, f.seeded, f.step(ctx, "start")
}
func (f *fake) Save(ctx context.Context, fp lab.Fingerprint) error {
	if fp["rows"] != "new" {
		return fmt.Errorf("saved with the fingerprint %v", fp)
	}
	return f.step(ctx, "save")
}
func (f *fake) Servers() []lab.Server { return []lab.Server{{Name: "fake"}} }
func (f *fake) Evidence(ctx context.Context, dir string) error {
	err := f.step(ctx, "evidence")
	return errors.Join(err, os.WriteFile(filepath.Join(dir, "log"), nil, 0o644))
}
func (f *fake) Stop(ctx context.Context) error   { return f.step(ctx, "stop") }
func (f *fake) Outage(ctx context.Context) error { return f.step(ctx, "outage") }

// lab makes the lab that the fake's steps are part of.
func (f *fake) lab() *lab.Lab {
	return &lab.Lab{
		Name: "mysql/fake", Title: "A fake", Level: lab.Easy, Minutes: 1, Engines: []string{"mysql"}, Memory: 1, Disk: 1,
		Notes: []lab.Source{{File: "x"}}, Fix: lab.Scripts("fix.sql"),
		Checks: []lab.Check{
			lab.AtMost("rows", 100).Symptom().Else("too many rows"),
			lab.Better("rows", 10),
			lab.Equal("lost", 0).Else("rows are lost"),
		},
		New: func(env lab.Env) lab.Run {
			f.env = env
			if do := f.does["open"]; do != nil {
				_ = do(context.Background())
			}
			return lab.Run{
				Rig:  f,
				Seed: func(ctx context.Context) error { return f.step(ctx, "seed") },
				Fingerprint: func(ctx context.Context) (lab.Fingerprint, error) {
					return lab.Fingerprint{"rows": "new"}, f.step(ctx, "fingerprint")
				},
				Break: func(ctx context.Context) error { return f.step(ctx, "break") },
				Load: func(ctx context.Context) error {
					if err := f.step(ctx, "load"); err != nil {
						return err
					}
					<-ctx.Done()
					return errors.New("connection closed") // as a driver says when it is cut off
				},
				Settle: func(ctx context.Context) error {
					if f.times("apply") > 0 {
						return f.step(ctx, "settle (fixed)")
					}
					return f.step(ctx, "settle")
				},
				Measure: func(ctx context.Context, v lab.Variant, r *lab.Readings) error {
					name, take := "measure", f.before
					if v.Name == "fix" {
						name, take = "remeasure", f.after
					}
					for _, x := range take {
						r.Set(x.Name, x.Unit, x.Value)
					}
					return f.step(ctx, name)
				},
				Apply: func(ctx context.Context, v lab.Variant) error { return f.step(ctx, "apply") },
				Hold:  func(ctx context.Context, v lab.Variant, r *lab.Readings) error { return f.step(ctx, "hold") },
				Integrity: func(ctx context.Context, want lab.Fingerprint, r *lab.Readings) error {
					return f.step(ctx, "integrity")
				},
			}
		},
	}
}

// run is Do in a bubble of fake time, in which two minutes pass at once.
func (f *fake) run(t *testing.T, ctx context.Context, o lab.Options) *lab.Result {
	t.Helper()
	if o.Evidence == "" {
		o.Evidence = filepath.Join(t.TempDir(), "evidence")
	}
	o.Start, o.Fix = lab.Variant{Name: "start"}, lab.Variant{Name: "fix"}
	return f.lab().Do(ctx, o)
}

var (
	early = []string{"admit", "start", "seed", "fingerprint", "save", "break", "settle", "measure"}
	late  = []string{"apply", "settle (fixed)", "remeasure", "hold"}
	last  = []string{"integrity"}
	after = []string{"stop"}
	all   = slices.Concat(early, late, last, after)
)

// Every phase × {ok, error, hang, deaf, panic, cancelled, fault, invalid}: the
// right verdict, and torn down once.
func TestEveryPhase(t *testing.T) {
	release := func() {} // ends what is deaf to its context
	cancel := func() {}
	ways := map[string]struct {
		do   func(ctx context.Context) error
		fail []string // steps for which the verdict is fail; the others are invalid
	}{
		"ok":      {do: func(context.Context) error { return nil }},
		"error":   {do: func(context.Context) error { return errors.New("oh no") }, fail: []string{"apply"}},
		"hang":    {do: func(ctx context.Context) error { <-ctx.Done(); return fmt.Errorf("last seen: %w", ctx.Err()) }, fail: late},
		"panic":   {do: func(context.Context) error { panic("oh no") }},
		"invalid": {do: func(context.Context) error { return lab.Blame("lost", lab.Invalidf("no space")) }},
		"fault":   {do: func(context.Context) error { return lab.Blame("lost", errors.New("oh no")) }, fail: slices.Concat(late, last)},
		"deaf":    {fail: late},
		"cancelled": {do: func(ctx context.Context) error {
			cancel()
			<-ctx.Done()
			return lab.Blame("lost", ctx.Err())
		}},
	}
	for way, w := range ways {
		for _, step := range all {
			t.Run(way+"/"+step, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFake()
					ctx, stop := context.WithCancel(t.Context())
					defer stop()
					cancel = stop
					released := make(chan struct{})
					release = func() { close(released) }
					f.does[step] = w.do
					if way == "deaf" {
						f.does[step] = func(context.Context) error { <-released; return nil }
					}
					if way == "cancelled" && step == "stop" {
						// Teardown outlives the cancellation.
						f.does[step] = func(ctx context.Context) error { cancel(); return ctx.Err() }
					}
					res := f.run(t, ctx, lab.Options{})
					want := lab.InvalidRun
					switch {
					case way == "ok", step == "stop":
						want = lab.Pass
					case slices.Contains(w.fail, step):
						want = lab.Fail
					}
					if res.Verdict != want {
						t.Errorf("verdict %s (%s), want %s", res.Verdict, res.Reason, want)
					}
					if (res.Reason == "") != (want == lab.Pass) {
						t.Errorf("reason %q", res.Reason)
					}
					if f.times("stop") != 1 {
						t.Errorf("stopped %d times", f.times("stop"))
					}
					if kept := f.times("evidence"); kept > 1 || (kept == 1) == (want == lab.Pass) {
						t.Errorf("evidence kept %d times", kept)
					}
					if (res.Evidence != "") == (want == lab.Pass) {
						t.Errorf("evidence in %q", res.Evidence)
					}
					if want == lab.Fail && len(res.Failed()) == 0 {
						t.Errorf("no failed check in %+v", res.Checks)
					}
					if res.Phases[len(res.Phases)-1].Phase != lab.Stop {
						t.Errorf("phases %+v", res.Phases)
					}
					release()
				})
			})
		}
	}
}

func TestReasons(t *testing.T) {
	for _, c := range []struct {
		name, step string
		do         func(context.Context) error
		want       string
	}{
		{"error", "seed", func(context.Context) error { return errors.New("connection refused") }, "seed: connection refused"},
		{"invalid speaks for itself", "start", func(context.Context) error { return fmt.Errorf("rig: %w", lab.Invalidf("no Docker: start it")) }, "no Docker: start it"},
		{"time-out tells the last state", "settle", func(ctx context.Context) error {
			<-ctx.Done()
			return fmt.Errorf("wait until caught up: %w; last seen: lag 5", context.Cause(ctx))
		}, "settle: took longer than 5m0s: wait until caught up: out of time; last seen: lag 5"},
		{"time-out in a driver's words", "settle", func(ctx context.Context) error { <-ctx.Done(); return errors.New("i/o timeout") },
			"settle: took longer than 5m0s: out of time: i/o timeout"},
		{"time-out of the fix", "apply", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			"fix: took longer than 5m0s: out of time: context deadline exceeded"},
		{"time-out of a fault", "remeasure", func(ctx context.Context) error {
			<-ctx.Done()
			return lab.Blame("rows", errors.New("still reading"))
		}, "measure (fixed) took longer than 5m0s: out of time: still reading"},
		{"fault", "remeasure", func(context.Context) error { return lab.Blame("rows", errors.New("table is gone")) }, "table is gone"},
		{"fault before the fix", "measure", func(context.Context) error { return lab.Blame("rows", errors.New("table is gone")) }, "measure: table is gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.does[c.step] = c.do
				if res := f.run(t, t.Context(), lab.Options{}); res.Reason != c.want {
					t.Errorf("reason\n\t%s\nwant\n\t%s", res.Reason, c.want)
				}
			})
		})
	}
}

func TestPanicShowsWhere(t *testing.T) {
	f := newFake()
	f.does["break"] = func(context.Context) error { panic("oh no") }
	res := f.run(t, t.Context(), lab.Options{})
	if !strings.HasPrefix(res.Reason, "break: panic: oh no\n") || !strings.Contains(res.Reason, "run_test.go") {
		t.Errorf("reason %q", res.Reason)
	}
}

func TestOpen(t *testing.T) {
	for _, c := range []struct {
		name string
		new  func(lab.Env) lab.Run
		want string
	}{
		{"panic", func(lab.Env) lab.Run { panic("oh no") }, "open lab mysql/fake: panic: oh no\n"},
		{"no rig", func(lab.Env) lab.Run { return lab.Run{} }, "open lab mysql/fake: its New makes no Rig"},
		{"no measure", func(lab.Env) lab.Run { return lab.Run{Rig: newFake()} }, "open lab mysql/fake: its New makes no Measure"},
		{"hang", nil, "open lab mysql/fake: out of time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				l := newFake().lab()
				l.New = c.new
				if l.New == nil {
					l.New = func(lab.Env) lab.Run { <-release; return lab.Run{} }
				}
				res := l.Do(t.Context(), lab.Options{})
				if res.Verdict != lab.InvalidRun || !strings.HasPrefix(res.Reason, c.want) {
					t.Errorf("%s: %s", res.Verdict, res.Reason)
				}
				close(release)
			})
		})
	}
}

func TestOrder(t *testing.T) {
	for _, seeded := range []bool{false, true} {
		f := newFake()
		f.seeded = seeded
		var got []lab.Phase
		res := f.run(t, t.Context(), lab.Options{Env: lab.Env{Seed: 7}, Show: func(e lab.Event) {
			if e.Done {
				got = append(got, e.Phase)
			}
		}})
		want := []lab.Phase{lab.Admit, lab.Start, lab.Seed, lab.Print, lab.Save, lab.Break, lab.Settle, lab.Measure,
			lab.Apply, lab.SettleFixed, lab.Remeasure, lab.Hold, lab.Integrity, lab.Stop}
		if seeded {
			want = slices.Delete(want, 2, 5)
		}
		if !slices.Equal(got, want) || res.Verdict != lab.Pass {
			t.Errorf("seeded %t: %s (%s), phases\n\t%v\nwant\n\t%v", seeded, res.Verdict, res.Reason, got, want)
		}
		if f.env.Lab != "mysql/fake" || f.env.Seed != 7 || f.env.Memory != 1 || f.env.Disk != 1 || res.Seed != 7 {
			t.Errorf("env %+v", f.env)
		}
	}
}

// The fingerprint of a snapshot, or of the seed just made, gets to Integrity.
func TestFingerprint(t *testing.T) {
	for seeded, want := range map[bool]string{true: "kept", false: "new"} {
		f := newFake()
		f.seeded = seeded
		l := f.lab()
		inner := l.New
		var got lab.Fingerprint
		l.New = func(e lab.Env) lab.Run {
			r := inner(e)
			r.Integrity = func(_ context.Context, want lab.Fingerprint, _ *lab.Readings) error { got = want; return nil }
			return r
		}
		if res := l.Do(t.Context(), lab.Options{Fix: lab.Variant{Name: "fix"}}); res.Verdict != lab.Pass || got["rows"] != want {
			t.Errorf("seeded %t: %s, fingerprint %v", seeded, res.Verdict, got)
		}
	}
}

func TestVerdicts(t *testing.T) {
	reading := func(name string, v float64) []lab.Reading { return []lab.Reading{{Name: name, Value: v}} }
	nan := 0.0
	nan /= nan
	good := newFake().after
	for _, c := range []struct {
		name          string
		before, after []lab.Reading
		want          lab.Verdict
		failed        []string
		reason        string
	}{
		{"pass", reading("rows", 1000), good, lab.Pass, nil, ""},
		{"nothing done", reading("rows", 1000), []lab.Reading{{Name: "rows", Value: 1000}, {Name: "lost"}}, lab.Fail, []string{"rows", "rows-ratio"}, ""},
		{"one check", reading("rows", 1000), []lab.Reading{{Name: "rows", Value: 10}, {Name: "lost", Value: 1}}, lab.Fail, []string{"lost"}, ""},
		{"only the ratio", reading("rows", 200), []lab.Reading{{Name: "rows", Value: 90}, {Name: "lost"}}, lab.Fail, []string{"rows-ratio"}, ""},
		{"did not reproduce", reading("rows", 50), good, lab.InvalidRun, nil, "the failure did not reproduce here: rows ≤ 100 already holds before the fix (50)"},
		{"symptom not measured", nil, good, lab.InvalidRun, nil, `lab mysql/fake takes no reading (or one that is no number) named "rows", which its check "rows" is about`},
		{"symptom is no number", reading("rows", nan), good, lab.InvalidRun, nil, `lab mysql/fake takes no reading (or one that is no number) named "rows", which its check "rows" is about`},
		{"not measured", reading("rows", 1000), reading("rows", 10), lab.InvalidRun, nil, `lab mysql/fake takes no reading (or one that is no number) named "lost", which its check "lost" is about`},
		{"no number", reading("rows", 1000), []lab.Reading{{Name: "rows", Value: nan}, {Name: "lost"}}, lab.InvalidRun, nil, `lab mysql/fake takes no reading (or one that is no number) named "rows", which its check "rows" is about`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake()
			f.before, f.after = c.before, c.after
			res := f.run(t, t.Context(), lab.Options{})
			if res.Verdict != c.want || !slices.Equal(res.Failed(), c.failed) || res.Reason != c.reason {
				t.Errorf("%s, failed %q, reason %q", res.Verdict, res.Failed(), res.Reason)
			}
			if c.want == lab.InvalidRun && len(res.Checks) > 0 {
				t.Errorf("an invalid run has checks: %+v", res.Checks)
			}
			if c.want != lab.InvalidRun && len(res.Checks) != 4 {
				t.Errorf("checks %+v", res.Checks)
			}
		})
	}
}

func TestChecks(t *testing.T) {
	for _, c := range []struct {
		check         lab.Check
		before, after float64
		ok            bool
	}{
		{lab.AtMost("x", 100), 0, 100, true},
		{lab.AtMost("x", 100), 0, 100.5, false},
		{lab.AtLeast("x", 100), 0, 100, true},
		{lab.AtLeast("x", 100), 0, 99.5, false},
		{lab.Equal("x", 100), 0, 100, true},
		{lab.Equal("x", 100), 0, 100.001, false},
		{lab.Better("x", 10), 100, 10, true},
		{lab.Better("x", 10), 100, 10.1, false},
		{lab.Better("x", 10), 0, 0, true},
		{lab.Better("x", 10), 0, 1, false},
	} {
		f := newFake()
		f.before = append(f.before, lab.Reading{Name: "x", Value: c.before})
		f.after = append(f.after, lab.Reading{Name: "x", Unit: "things", Value: c.after})
		l := f.lab()
		l.Checks = []lab.Check{l.Checks[0], c.check.Named("it").Else("why")}
		res := l.Do(t.Context(), lab.Options{Fix: lab.Variant{Name: "fix"}})
		o := res.Checks[len(res.Checks)-1]
		if o.ID != "it" || o.OK != c.ok || (o.Hint == "why") == c.ok {
			t.Errorf("%s, %g → %g: %+v", c.check.Says, c.before, c.after, o)
		}
	}
}

func TestScore(t *testing.T) {
	reading := func(name string, v float64) lab.Reading { return lab.Reading{Name: name, Value: v} }
	ptr := func(v float64) *float64 { return &v }
	broken := []lab.Reading{reading("rows", 1000), reading("lost", 0), reading("late", 9)}
	after := func(rows, lost, late float64) []lab.Reading {
		return []lab.Reading{reading("rows", rows), reading("lost", lost), reading("late", late)}
	}
	for _, c := range []struct {
		name  string
		after []lab.Reading
		fault string // the check that is blamed after the measurement
		want  *float64
	}{
		{"nothing done", after(1000, 0, 9), "", ptr(0)},
		{"all", after(10, 0, 0), "", ptr(1)},
		{"two checks of three", after(10, 0, 9), "", ptr(2.0 / 5)},
		{"the one that weighs most", after(1000, 0, 0), "", ptr(3.0 / 5)},
		{"all healed, and something broken", after(10, 1, 0), "", ptr(0)},
		{"the rest was not measured", after(10, 0, 0)[:1], "rows", ptr(0)},
		{"a relapse", after(10, 0, 0), "late", ptr(2.0 / 5)},
		{"the fix does not apply", nil, lab.ApplyCheck, ptr(0)},
		{"invalid", after(10, 0, 0)[:2], "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake()
			f.before, f.after = broken, c.after
			if c.fault != "" {
				f.does["remeasure"] = func(context.Context) error { return lab.Blame(c.fault, errors.New("the program died")) }
			}
			l := f.lab()
			l.Checks = append(l.Checks, lab.Equal("late", 0).Weight(3))
			res := l.Do(t.Context(), lab.Options{Fix: lab.Variant{Name: "fix"}})
			if diff := cmp.Diff(c.want, res.Score()); diff != "" {
				t.Errorf("%s: %s\n%+v", res.Verdict, diff, res.Checks)
			}
		})
	}
	live := &lab.Result{Verdict: lab.Pass, Live: true}
	if got := live.Score(); got != nil {
		t.Errorf("a playground scores %v", *got)
	}
}

func TestFault(t *testing.T) {
	f := newFake()
	f.after = []lab.Reading{{Name: "rows", Value: 10}}
	f.does["remeasure"] = func(context.Context) error { return lab.Blame("rows", errors.New("the program died")) }
	res := f.run(t, t.Context(), lab.Options{})
	if res.Verdict != lab.Fail || !slices.Equal(res.Failed(), []string{"rows"}) {
		t.Fatalf("%s, failed %q", res.Verdict, res.Failed())
	}
	if o := res.Checks[1]; o.Hint != "the program died" || o.Got != "error" {
		t.Errorf("blamed check %+v", o)
	}
	if o := res.Checks[2]; !o.OK {
		t.Errorf("check whose reading was taken: %+v", o)
	}
	if o := res.Checks[3]; !o.Skipped || o.Hint != "" {
		t.Errorf("check whose reading was not taken: %+v", o)
	}
	f.does["remeasure"] = func(context.Context) error { return lab.Blame("no-such-check", errors.New("the program died")) }
	if res := f.run(t, t.Context(), lab.Options{}); !slices.Equal(res.Failed(), []string{lab.ApplyCheck}) {
		t.Errorf("blamed on an unknown check: failed %q", res.Failed())
	}
}

// Load that fails ends the run at once; nobody waits for its effect until a
// limit and then blames the fix.
func TestLoadFails(t *testing.T) {
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, c := range []struct {
		name   string
		hangs  string
		err    error
		want   lab.Verdict
		reason string
	}{
		{"while measuring", "measure", errors.New("oh no"), lab.InvalidRun, "measure: load: oh no"},
		{"while the fix is applied", "apply", errors.New("oh no"), lab.InvalidRun, "fix: load: oh no"},
		{"while measuring again", "remeasure", errors.New("oh no"), lab.InvalidRun, "measure (fixed): load: oh no"},
		{"fault of the broken state", "measure", lab.Blame("lost", errors.New("locked out")), lab.InvalidRun, "measure: load: locked out"},
		{"fault of the fix", "apply", lab.Blame("lost", errors.New("locked out")), lab.Fail, "load: locked out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				fail := make(chan struct{})
				f.does[c.hangs] = func(ctx context.Context) error { close(fail); return hang(ctx) }
				f.does["load"] = func(context.Context) error { <-fail; return c.err }
				res := f.run(t, t.Context(), lab.Options{})
				if res.Verdict != c.want || res.Reason != c.reason {
					t.Errorf("%s: %s, want %s: %s", res.Verdict, res.Reason, c.want, c.reason)
				}
				if res.Elapsed > time.Second {
					t.Errorf("took %s", res.Elapsed)
				}
			})
		})
	}
}

// A fault of the load from before the fix is not the fix's, even if the fix is
// the first to hear of it.
func TestLoadFailedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		fail := make(chan struct{})
		f.does["load"] = func(context.Context) error { <-fail; return lab.Blame("lost", errors.New("locked out")) }
		f.does["measure"] = func(context.Context) error { close(fail); synctest.Wait(); return nil }
		res := f.run(t, t.Context(), lab.Options{})
		if res.Verdict != lab.InvalidRun || !strings.HasSuffix(res.Reason, "load: locked out") {
			t.Errorf("%s: %s", res.Verdict, res.Reason)
		}
	})
}

func TestLoadEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		load func(context.Context) error
		want lab.Verdict
	}{
		{"by itself", func(context.Context) error { return nil }, lab.Pass},
		{"cut off", func(ctx context.Context) error { <-ctx.Done(); return errors.New("bad connection") }, lab.Pass},
		{"with a fault when stopped", func(ctx context.Context) error { <-ctx.Done(); return lab.Blame("lost", errors.New("3 writes lost")) }, lab.Fail},
		{"with a panic when stopped", func(ctx context.Context) error { <-ctx.Done(); panic("oh no") }, lab.InvalidRun},
		{"with a panic", func(ctx context.Context) error { panic("oh no") }, lab.InvalidRun},
		{"never", func(ctx context.Context) error { time.Sleep(time.Hour); return nil }, lab.InvalidRun},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.does["load"] = c.load
				if res := f.run(t, t.Context(), lab.Options{}); res.Verdict != c.want {
					t.Errorf("%s: %s", res.Verdict, res.Reason)
				}
				if f.times("stop") != 1 {
					t.Errorf("stopped %d times", f.times("stop"))
				}
				time.Sleep(time.Hour) // lets the load end that never does
			})
		})
	}
}

// What is left behind goes on reading, measuring and logging; the result and
// whoever shows it are not disturbed. Run with -race.
func TestLeftBehind(t *testing.T) {
	for _, cancelled := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			l := f.lab()
			inner := l.New
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			release, gone := make(chan struct{}), make(chan struct{})
			l.New = func(e lab.Env) lab.Run {
				r := inner(e)
				r.Measure = func(_ context.Context, v lab.Variant, into *lab.Readings) error {
					into.Set("rows", "", 1000)
					if v.Name == "fix" {
						if cancelled {
							cancel()
						}
						<-release
						into.Set("rows", "", 1)
						e.Log("still here")
						close(gone)
					}
					return nil
				}
				return r
			}
			over := false
			res := l.Do(ctx, lab.Options{Fix: lab.Variant{Name: "fix"}, Show: func(lab.Event) {
				if over {
					t.Error("shown after the run")
				}
			}})
			over = true
			if cancelled != (res.Verdict == lab.InvalidRun) {
				t.Fatalf("%s: %s", res.Verdict, res.Reason)
			}
			close(release)
			<-gone
			if x, _ := res.After.Get("rows"); x.Value != 1000 {
				t.Errorf("the result changed afterwards: %v", x)
			}
		})
	}
}

// Phases and load log from several goroutines; events come one at a time.
func TestLogIsSerial(t *testing.T) {
	f := newFake()
	l := f.lab()
	inner := l.New
	l.New = func(e lab.Env) lab.Run {
		r := inner(e)
		r.Load = func(ctx context.Context) error {
			for ctx.Err() == nil {
				e.Log("load")
			}
			return nil
		}
		r.Settle = func(ctx context.Context) error {
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for range 100 {
						e.Log("settle")
					}
				})
			}
			wg.Wait()
			return nil
		}
		return r
	}
	n := 0 // unguarded: the race detector sees two at once
	if res := l.Do(t.Context(), lab.Options{Fix: lab.Variant{Name: "fix"}, Show: func(lab.Event) { n++ }}); res.Verdict != lab.Pass {
		t.Fatalf("%s: %s", res.Verdict, res.Reason)
	}
	if n < 800 {
		t.Errorf("%d events", n)
	}
}

// Teardown tells what it removes only to somebody who interrupted the run.
func TestTeardownIsQuiet(t *testing.T) {
	for _, cancelled := range []bool{false, true} {
		f := newFake()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f.does["stop"] = func(context.Context) error { f.env.Log("removed fake"); return nil }
		if cancelled {
			f.does["hold"] = func(context.Context) error { cancel(); return nil }
		}
		told := false
		f.run(t, ctx, lab.Options{Show: func(e lab.Event) { told = told || e.Text == "removed fake" }})
		if told != cancelled {
			t.Errorf("cancelled %t: told %t", cancelled, told)
		}
	}
}

// Evidence that hangs or panics changes nothing.
func TestEvidence(t *testing.T) {
	for name, do := range map[string]func(context.Context) error{
		"error": func(context.Context) error { return errors.New("oh no") },
		"hang":  func(ctx context.Context) error { time.Sleep(time.Hour); return nil },
		"panic": func(context.Context) error { panic("oh no") },
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.after = f.before
			f.does["remeasure"] = func(context.Context) error { return lab.Blame("rows", errors.New("x")) }
			f.does["evidence"] = do
			if res := f.run(t, t.Context(), lab.Options{}); res.Verdict != lab.Fail || f.times("stop") != 1 {
				t.Errorf("%s: %s, stopped %d times", name, res.Verdict, f.times("stop"))
			}
			time.Sleep(time.Hour)
		})
	}
}

func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			options, run map[lab.Phase]time.Duration
			want         time.Duration
		}{
			{nil, nil, 5 * time.Minute},
			{map[lab.Phase]time.Duration{lab.Break: time.Second}, nil, time.Second},
			{map[lab.Phase]time.Duration{lab.Break: time.Second}, map[lab.Phase]time.Duration{lab.Break: 3 * time.Second}, 3 * time.Second},
		} {
			f := newFake()
			release := make(chan struct{})
			f.does["break"] = func(context.Context) error { <-release; return nil }
			l := f.lab()
			inner := l.New
			l.New = func(e lab.Env) lab.Run { r := inner(e); r.Limits = c.run; return r }
			res := l.Do(t.Context(), lab.Options{Limits: c.options, Grace: time.Second})
			if res.Elapsed != c.want+time.Second {
				t.Errorf("%+v took %s", c, res.Elapsed)
			}
			close(release)
		}
	})
}

// On a machine that is slow before the fix, the fix gets more time too.
func TestLimitGrowsWithTheMachine(t *testing.T) {
	for limit, want := range map[time.Duration]lab.Verdict{5 * time.Minute: lab.Pass, 7 * time.Minute: lab.Fail} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.does["measure"] = func(context.Context) error { time.Sleep(90 * time.Second); return nil }
			f.does["remeasure"] = func(ctx context.Context) error {
				select {
				case <-time.After(limit):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			if res := f.run(t, t.Context(), lab.Options{}); res.Verdict != want {
				t.Errorf("%s: %s: %s", limit, res.Verdict, res.Reason)
			}
		})
	}
}

func TestExitCode(t *testing.T) {
	for v, want := range map[lab.Verdict]int{lab.Pass: 0, lab.Fail: 1, lab.InvalidRun: 3, "": 3} {
		if got := v.ExitCode(); got != want {
			t.Errorf("%q exits with %d", v, got)
		}
	}
}

// Readings are shown as they are taken, those before the fix in their own phase.
func TestReadingsAreShown(t *testing.T) {
	f := newFake()
	var got []string
	res := f.run(t, t.Context(), lab.Options{Show: func(e lab.Event) {
		if e.Reading != nil {
			got = append(got, fmt.Sprintf("%s: %s %v", e.Phase, e.Reading.Name, e.Reading.Value))
		}
	}})
	var want []string
	for _, x := range res.Before.All() {
		want = append(want, fmt.Sprintf("measure: %s %v", x.Name, x.Value))
	}
	for _, x := range res.After.All() {
		want = append(want, fmt.Sprintf("measure (fixed): %s %v", x.Name, x.Value))
	}
	if len(got) == 0 || !slices.Equal(got, want) {
		t.Errorf("shown %q, taken %q", got, want)
	}
}

// A run that is dropped tears down and leaves no evidence.
func TestDropped(t *testing.T) {
	f := newFake()
	ctx, drop := context.WithCancelCause(t.Context())
	f.does["hold"] = func(context.Context) error { drop(lab.ErrDropped); return nil }
	res := f.run(t, ctx, lab.Options{})
	if res.Verdict != lab.InvalidRun || res.Evidence != "" || f.times("evidence") != 0 || f.times("stop") != 1 {
		t.Errorf("%s, evidence in %q, stopped %d times", res.Verdict, res.Evidence, f.times("stop"))
	}
}

// What befell the servers from outside is nobody's fault, whatever it looks like.
func TestOutage(t *testing.T) {
	out := lab.Invalidf("the engine is gone")
	refused := errors.New("connection refused")
	for name, remeasure := range map[string]func(context.Context) error{
		"a phase hangs": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"it is blamed":  func(context.Context) error { return lab.Blame("rows", refused) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				gone := false
				f.does["remeasure"] = func(ctx context.Context) error {
					f.mu.Lock()
					gone = true
					f.mu.Unlock()
					return remeasure(ctx)
				}
				f.does["outage"] = func(context.Context) error {
					f.mu.Lock()
					defer f.mu.Unlock()
					if gone {
						return out
					}
					return nil
				}
				res := f.run(t, t.Context(), lab.Options{})
				if res.Verdict != lab.InvalidRun || res.Reason != "the engine is gone" || res.Elapsed > 10*time.Second || len(res.Checks) > 0 {
					t.Errorf("%s after %s: %s %v", res.Verdict, res.Elapsed, res.Reason, res.Checks)
				}
			})
		})
	}
	t.Run("a fail is a fail", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.after = []lab.Reading{{Name: "rows", Value: 1000}, {Name: "lost", Value: 0}}
			if res := f.run(t, t.Context(), lab.Options{}); res.Verdict != lab.Fail || f.times("outage") == 0 {
				t.Errorf("%s: %s", res.Verdict, res.Reason)
			}
		})
	})
}
