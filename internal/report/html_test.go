package report

import (
	"math"
	"strings"
	"testing"
	"time"

	"faultlab/internal/lab"
)

// html is the page without its style, which stands in a file of its own.
func html(t *testing.T, r *lab.Result) string {
	t.Helper()
	var b strings.Builder
	if err := HTML(&b, r, logFiles); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	if !strings.Contains(got, css) {
		t.Fatal("the style is not the one whose hash the policy allows")
	}
	return strings.NewReplacer(css, "…", strings.ReplaceAll(hash(css), "+", "&#43;"), "…", hash(css), "…").Replace(got)
}

func TestHTML(t *testing.T) {
	for name, r := range cases() {
		golden(t, name+".html", []byte(html(t, r)))
	}
	if err := HTML(&strings.Builder{}, result(), nil); err != nil {
		t.Error(err)
	}
}

func TestDiffLines(t *testing.T) {
	kinds := func(diff string) (s string) {
		for _, l := range diffLines(diff) {
			s += l.Kind + " "
		}
		return strings.TrimSpace(s)
	}
	for _, c := range []struct{ name, diff, want string }{
		{"none", "", ""},
		{"a removed SQL comment", "--- a\n+++ b\n@@ -1,2 +1 @@\n--- x\n-y\n+++z\n--- c\n+++ d\n", "file file hunk del del add file file"},
		{"context", "--- a\n+++ b\n@@ -1,2 +1,2 @@\n x\n-y\n+z\n@@ -9 +9,0 @@\n-q\n", "file file hunk same del add hunk del"},
		{"no newline", "--- a\n+++ b\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+y\n", "file file hunk del same add"},
		{"no number", "@@ what\n+x\n", "hunk add"},
	} {
		if got := kinds(c.diff); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if got := diffLines("@@ -0,0 +1,5000 @@\n" + strings.Repeat("+x\n", 5000)); len(got) != mostDiff+1 {
		t.Errorf("%d lines of a long diff", len(got))
	}
}

func TestScale(t *testing.T) {
	f := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		name          string
		before, after *float64
		want          *bars
	}{
		{"one is missing", f(1), nil, nil},
		{"nothing to draw", f(0), f(0), nil},
		{"below 0", f(-1), f(1), nil},
		{"half", f(10), f(5), &bars{Before: "99.00%", After: "49.50%"}},
		{"gone", f(10), f(0), &bars{Before: "99.00%"}},
		{"far", f(1_000_000), f(100), &bars{Before: "99.00%", After: "19.80%", From: "10", To: "1,000,000"}},
		{"below 1", f(0.002), f(0.9), &bars{Before: "9.93%", After: "97.49%", From: "0.001", To: "1"}},
	} {
		got := scale(pair{Before: c.before, After: c.after})
		if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestSteps(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      []float64
	}{
		{0, 950, []float64{0, 500, 1000}},
		{0, 3, []float64{0, 1, 2, 3}},
		{0, 0, []float64{0, 0.5, 1}},
		{-5, 5, []float64{-5, 0, 5}},
	} {
		got := steps(c.low, c.high, 3)
		if len(got) != len(c.want) {
			t.Errorf("%g to %g: %g, want %g", c.low, c.high, got, c.want)
			continue
		}
		for i := range got {
			if math.Abs(got[i]-c.want[i]) > 1e-9 {
				t.Errorf("%g to %g: %g, want %g", c.low, c.high, got, c.want)
			}
		}
	}
}

func TestThinKeepsPeaks(t *testing.T) {
	points := make([]lab.Point, 10_000)
	for i := range points {
		points[i] = lab.Point{At: time.Duration(i), Value: 5}
	}
	points[4321].Value, points[8765].Value = 100, 0
	got := thin(points, 100)
	low, high := extent(got)
	if len(got) > 200 || low != 0 || high != 100 {
		t.Errorf("%d points from %g to %g", len(got), low, high)
	}
	for i := range got[1:] {
		if got[i].At >= got[i+1].At {
			t.Fatal("out of order")
		}
	}
}

// A label that has no room goes to a row below, and none is lost.
func TestMarksDoNotOverlap(t *testing.T) {
	c := charts(result())[0]
	rows := map[string]string{}
	for _, m := range c.Marks {
		rows[m.Text] = m.Top
	}
	if rows["broken"] == "" || rows["fix"] == "" || rows["fixed"] == rows["hold"] {
		t.Errorf("rows %v", rows)
	}
	if got := c.Stats[1]; got != (stat{"the fix was applied", "0", "0", "50"}) {
		t.Errorf("while the fix was applied: %+v", got)
	}
}

func TestSpark(t *testing.T) {
	parts := moments(result())
	line, below := spark(result().Series[0], parts, 30, false)
	if line != "▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▆███████████" || below != "      ╰fix        ╰hold       " { // no room for "broken"
		t.Errorf("\n%s\n%s", line, below)
	}
	flat := lab.Series{Points: []lab.Point{{At: 1}, {At: 1}}}
	if line, _ := spark(flat, parts, 5, true); line != "_____" {
		t.Errorf("flat %q", line)
	}
}
