package report

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"faultlab/internal/lab"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -update writes it anew)\n got\n%s\nwant\n%s", name, got, want)
	}
}

func taken(list ...lab.Reading) *lab.Readings {
	r := &lab.Readings{}
	for _, x := range list {
		r.Set(x.Name, x.Unit, x.Value)
	}
	return r
}

// result is a run that passed; the others are made of it.
func result() *lab.Result {
	return &lab.Result{
		Lab: "mysql/slow-query", Title: "The order page takes three seconds", Variant: "fix",
		Verdict: lab.Pass, Seed: 18446744073709551615,
		Started: time.Date(2026, 11, 24, 7, 0, 0, 123456789, time.UTC), Elapsed: 12345 * time.Millisecond,
		Before: taken(lab.Reading{Name: "rows-examined", Unit: "rows", Value: 1000000}, lab.Reading{Name: "writes-blocked", Unit: "%", Value: 0}, lab.Reading{Name: "new-indexes", Value: 0}),
		After:  taken(lab.Reading{Name: "rows-examined", Unit: "rows", Value: 50}, lab.Reading{Name: "writes-blocked", Unit: "%", Value: 0.0125}, lab.Reading{Name: "new-indexes", Value: 1}, lab.Reading{Name: "orders-lost", Unit: "rows", Value: 0}),
		Checks: []lab.Outcome{
			{ID: lab.ApplyCheck, OK: true, Says: "the fix applies without an error, in time", Got: "yes"},
			{ID: "rows-examined", OK: true, Weight: 1, Says: "rows-examined ≤ 200", Got: "50 rows"},
			{ID: "rows-examined-ratio", OK: true, Weight: 1, Says: "rows-examined at least 1,000 times smaller than before", Got: "1,000,000 → 50"},
			{ID: "new-indexes", OK: true, Says: "new-indexes ≤ 2", Got: "1"},
		},
		Servers: []lab.Server{{Name: "mysql", Engine: "mysql", Version: "9.7.4", Image: "faultlab/mysql", Origin: "local"}},
		Machine: lab.Machine{OS: "linux", Arch: "amd64", Cores: 2},
		Change:  "--- start/fix.sql\n+++ fix/fix.sql\n@@ -1,2 +1,2 @@\n--- tried at 10:20\n-ANALYZE TABLE orders;\n+-- one index\n+ALTER TABLE orders ADD INDEX (user_id, create_time);\n",
		Phases: []lab.Took{
			{Phase: lab.Admit, Elapsed: 2 * time.Second},
			{Phase: lab.Start, At: 2 * time.Second, Elapsed: 1500 * time.Millisecond},
			{Phase: lab.Measure, At: 3500 * time.Millisecond, Elapsed: 1500 * time.Millisecond},
			{Phase: lab.Apply, At: 5 * time.Second, Elapsed: 3 * time.Second},
			{Phase: lab.Remeasure, At: 8 * time.Second, Elapsed: 10 * time.Millisecond},
			{Phase: lab.Hold, At: 8010 * time.Millisecond, Elapsed: 3 * time.Second},
			{Phase: lab.Stop, At: 11500 * time.Millisecond, Elapsed: 845 * time.Millisecond},
		},
		Series: []lab.Series{{Name: "orders", Unit: "acknowledged per second", Points: wave(3500*time.Millisecond, 11*time.Second)}},
	}
}

// wave is a sample every 100 ms: 50, then nothing while the fix runs, then 950.
func wave(from, to time.Duration) []lab.Point {
	var points []lab.Point
	for at := from; at <= to; at += 100 * time.Millisecond {
		v := 50.0
		switch {
		case at > 8*time.Second:
			v = 950 + float64(at%(300*time.Millisecond)/time.Millisecond)/4
		case at > 5*time.Second:
			v = 0
		}
		points = append(points, lab.Point{At: at, Value: v})
	}
	return points
}

// logFiles are the evidence of a run.
var logFiles = fstest.MapFS{
	"mysql.log":            {Data: []byte("[Note] ready\n\x1b[31m<script>alert(1)</script>\n")},
	"mysql.empty.txt":      {},
	"mysql.container.json": {Data: []byte("{}")},
	"result.json":          {Data: []byte("{}")},
}

// forged is what a learner's program may print to look like us.
const forged = "fix does not compile:\n  | main.go:3:2: undefined: x\nPASS mysql/slow-query  (1.0 s)\r\x1b[2A\x1b[32mPASS"

func cases() map[string]*lab.Result {
	failed := result()
	failed.Verdict, failed.Evidence = lab.Fail, ".faultlab/mysql/slow-query/20261124-070000"
	failed.Checks[1] = lab.Outcome{ID: "rows-examined", Weight: 1, Says: "rows-examined ≤ 200", Got: "1,000,000 rows", Hint: "Each request for the order page still reads every order that was ever placed."}
	failed.Checks[3] = lab.Outcome{ID: "new-indexes", Says: "new-indexes ≤ 2", Got: "7", Hint: "Each new order now has to be written into seven more indexes.",
		Seen: "indexes of orders:\nidx_user, idx_time \x1b[31mPASS"}

	fault := result()
	fault.Change, fault.Command = "", "python3 app.py"
	fault.Verdict, fault.Reason, fault.After = lab.Fail, forged, &lab.Readings{}
	fault.Checks[0] = lab.Outcome{ID: lab.ApplyCheck, Says: "the fix applies without an error, in time", Got: "no", Hint: forged}
	for i := 1; i < 4; i++ {
		fault.Checks[i].OK, fault.Checks[i].Skipped = false, true
	}

	wide := result()
	wide.Verdict = lab.Fail
	wide.Reason = strings.Repeat("x", 76) + "PASS mysql/slow-query  (1.0 s)\n\tat 漢字" + strings.Repeat("漢", 50)
	wide.Checks, wide.Series, wide.Change = nil, nil, ""

	invalid := result()
	invalid.Verdict, invalid.Checks, invalid.Servers, invalid.Phases = lab.InvalidRun, nil, nil, nil
	invalid.Before, invalid.After, invalid.Series = &lab.Readings{}, &lab.Readings{}, nil
	invalid.Reason = "no Docker engine answers on unix:///var/run/docker.sock: start one, or set DOCKER_HOST to where one listens"

	panicked := result()
	panicked.Verdict, panicked.Checks = lab.InvalidRun, nil
	panicked.Reason = "panic: index out of range\ngoroutine 1 [running]:\nPASS"
	panicked.After = taken(lab.Reading{Name: "rows-examined", Value: math.NaN()})

	return map[string]*lab.Result{"pass": result(), "fail": failed, "fault": fault, "wide": wide, "invalid": invalid, "panic": panicked}
}

func text(t *testing.T, r *lab.Result, o Options) string {
	t.Helper()
	var b strings.Builder
	if err := Text(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	for name, r := range cases() {
		golden(t, name+".txt", []byte(text(t, r, Options{})))
		golden(t, name+"-40.txt", []byte(text(t, r, Options{Width: 40, ASCII: true})))
	}
	golden(t, "colour.txt", []byte(text(t, cases()["fail"], Options{Color: true, Width: 100})))
}

// Whatever is said, one line speaks for us: the last. And all lines fit.
func TestOneVerdictLine(t *testing.T) {
	for name, r := range cases() {
		for width := 40; width <= 120; width++ {
			got := strings.Split(strings.TrimSuffix(text(t, r, Options{Width: width}), "\n"), "\n")
			for i, l := range got {
				verdict := strings.HasPrefix(l, "PASS") || strings.HasPrefix(l, "FAIL") || strings.HasPrefix(l, "INVALID")
				if last := i == len(got)-1; verdict != last {
					t.Errorf("%s at %d columns: line %q", name, width, l)
				}
				if cells(l) > width && !strings.HasPrefix(l, "evidence: ") {
					t.Errorf("%s at %d columns: %d columns in %q", name, width, cells(l), l)
				}
				if strings.ContainsAny(l, "\x1b\r\x07") {
					t.Errorf("%s: control characters in %q", name, l)
				}
			}
		}
	}
}

func TestChange(t *testing.T) {
	for _, c := range []struct {
		before, after float64
		want          string
	}{
		{1000, 1000, "same"}, {1000, 1001, "about the same"}, {1000, 999, "about the same"}, {1000, 0, ""}, {0, 5, ""}, {-4, -2, ""},
		{1000, 600, "1.7× less"}, {600, 1000, "1.7× more"}, {1000000, 51, "19,607× less"}, {1, 9.99, "10× more"},
	} {
		if got := change(pair{Before: &c.before, After: &c.after}); got != c.want {
			t.Errorf("%g → %g is %q, want %q", c.before, c.after, got, c.want)
		}
	}
}

func TestASCII(t *testing.T) {
	got := text(t, cases()["fail"], Options{ASCII: true})
	if i := strings.IndexFunc(got, func(r rune) bool { return r > 127 }); i >= 0 {
		t.Errorf("not ASCII: %q", got[i:])
	}
}

func TestJSON(t *testing.T) {
	for name, r := range cases() {
		var b bytes.Buffer
		if err := JSON(&b, r); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".json", b.Bytes())
		// What is read back is shown the same.
		back, err := ReadJSON(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, want := text(t, back, Options{}), text(t, r, Options{}); got != want {
			t.Errorf("%s read back is\n%s\nnot\n%s", name, got, want)
		}
		var again bytes.Buffer
		if err := JSON(&again, back); err != nil || again.String() != b.String() {
			t.Errorf("%s, read and written: %v\n%s", name, err, again.String())
		}
		if got, want := html(t, back), html(t, r); got != want {
			t.Errorf("%s read back is another page", name)
		}
	}
	for _, bad := range []string{"", "{", `{"version": 2}`} {
		if _, err := ReadJSON(strings.NewReader(bad)); err == nil {
			t.Errorf("read %q", bad)
		}
	}
}

func TestProof(t *testing.T) {
	score := func(v float64) *float64 { return &v }
	rows := []ProofRow{
		{Lab: "mysql/slow-query", Variant: "start", Expected: "fail", Got: "fail", Failed: []string{"rows-examined", "rows-examined-ratio"}, Score: score(0), Seconds: 4.04, OK: true},
		{Lab: "mysql/slow-query", Variant: "solution", Expected: "pass", Got: "pass", Score: score(1), Seconds: 5.5, OK: true},
		{Lab: "mysql/slow-query", Variant: "wrong/timeout", Expected: "fail: rows-examined", Got: "pass", Score: score(1), Seconds: 12.25, Note: "the verdict is wrong"},
	}
	var b bytes.Buffer
	if err := Proof(&b, rows); err != nil {
		t.Fatal(err)
	}
	golden(t, "proof.txt", b.Bytes())
	b.Reset()
	if err := ProofJSON(&b, rows); err != nil {
		t.Fatal(err)
	}
	golden(t, "proof.json", b.Bytes())
	b.Reset()
	if err := Proof(&b, rows[:2]); err != nil || !strings.HasSuffix(b.String(), "\n\n2 of 2 as expected  (9.5 s)\n") {
		t.Errorf("a good proof ends with %q, %v", b.String(), err)
	}
}

func TestProgress(t *testing.T) {
	events := []lab.Event{
		{Phase: lab.Start},
		{Phase: lab.Start, Text: "docker run mysql"},
		{Phase: lab.Start, Text: "waiting for port 3306\nPASS\x1b[2K"},
		{Phase: lab.Start, Done: true, Elapsed: 1234 * time.Millisecond},
		{Phase: lab.Start, Text: "from the load, between two phases"},
		{Phase: lab.Apply},
		{Phase: lab.Apply, Done: true, Elapsed: 20 * time.Millisecond, Err: errors.New("fix.sql:3: no such table\nmore")},
		{Phase: lab.Stop},
		{Phase: lab.Stop, Text: "removed container mysql"},
		{Phase: lab.Stop, Text: "removed network"},
		{Phase: lab.Stop, Done: true, Elapsed: 800 * time.Millisecond},
	}
	play := func(p *progress, w io.Writer) {
		p.w = w
		clock := time.Unix(0, 0)
		p.now = func() time.Time { clock = clock.Add(6 * time.Second); return clock }
		for _, e := range events {
			p.show(e)
		}
	}
	for name, p := range map[string]*progress{
		"progress-plain.txt":   {every: quiet},
		"progress-tty.txt":     {tty: true, every: quiet},
		"progress-details.txt": {},
	} {
		var b bytes.Buffer
		play(p, &b)
		golden(t, name, b.Bytes())
	}
}

func TestUTF8Locale(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, true},
		{map[string]string{"LANG": "en_GB.UTF-8"}, true},
		{map[string]string{"LANG": "C.utf8"}, true},
		{map[string]string{"LANG": "C"}, false},
		{map[string]string{"LC_ALL": "POSIX", "LANG": "en_GB.UTF-8"}, false},
	} {
		if got := utf8Locale(func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("utf8Locale(%v) = %t", c.env, got)
		}
	}
}

func TestSince(t *testing.T) {
	run := func(do func(*lab.Result)) *lab.Result {
		r := result()
		do(r)
		return r
	}
	same := func(*lab.Result) {}
	var b bytes.Buffer
	for _, c := range []struct {
		name string
		last *lab.Result
		now  func(*lab.Result)
	}{
		{"nothing", result(), same},
		{"the clock", result(), func(r *lab.Result) { r.After.Set("rows-examined", "rows", 51) }},
		{"better and worse", cases()["fail"], func(r *lab.Result) {
			r.Checks[2].OK = false
			r.Checks[3].Skipped = true
			r.After.Set("rows-examined", "rows", 100)
			r.After.Set("writes-blocked", "%", 0)
			r.After.Set("orders-lost", "rows", 1)
			r.After.Set("new", "rows", 1)
		}},
		{"the first run", nil, same},
		{"after one that was invalid", cases()["invalid"], same},
		{"invalid itself", result(), func(r *lab.Result) { r.Verdict = lab.InvalidRun }},
	} {
		b.WriteString("== " + c.name + "\n")
		if err := Since(&b, c.last, run(c.now), Options{Width: 60}); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "since.txt", b.Bytes())
}

func TestBody(t *testing.T) {
	for name, r := range cases() {
		for width := 40; width <= 120; width += 10 {
			var b bytes.Buffer
			if err := Body(&b, Round{Result: r, Last: result()}, Options{Width: width}); err != nil {
				t.Fatal(err)
			}
			for l := range strings.Lines(b.String()) {
				if cells(strings.TrimSuffix(l, "\n")) > width {
					t.Errorf("%s at %d columns: line %q", name, width, l)
				}
			}
		}
	}
	on := &lab.Result{Before: result().Before, After: &lab.Readings{}, Phases: result().Phases[:3]}
	var b bytes.Buffer
	if err := Body(&b, Round{Result: on, Open: lab.Apply, Detail: forged}, Options{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "body-running.txt", b.Bytes())
	b.Reset()
	if err := Body(&b, Round{Result: cases()["fail"], Last: result()}, Options{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "body-fail.txt", b.Bytes())
}

// Whatever is in a kept result: it is refused, or it can be shown.
func FuzzReadJSON(f *testing.F) {
	for _, r := range []*lab.Result{cases()["fail"], cases()["fault"]} {
		r.Series = r.Series[:0]
		var b bytes.Buffer
		if err := JSON(&b, r); err != nil {
			f.Fatal(err)
		}
		f.Add(b.String())
	}
	f.Add(`{"version": 1, "verdict": "fail", "series": [{"points": [[1, 2], [0, 1e300]]}], "readings": [{"before": -0}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ReadJSON(strings.NewReader(text))
		if err != nil {
			return
		}
		if err := errors.Join(Text(io.Discard, r, Options{}), HTML(io.Discard, r, nil), JSON(io.Discard, r)); err != nil {
			t.Error(err)
		}
	})
}
