package report

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	google "github.com/google/jsonschema-go/jsonschema"
	"github.com/joshdk/go-junit"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"faultlab/internal/lab"
)

// grading has one attempt of each kind. What others wrote tries to be taken for ours.
func grading() *Grading {
	g := NewGrading()
	g.Faultlab, g.Go, g.Machine = "0123abcd", "go1.26.8", lab.Machine{OS: "linux", Arch: "amd64", Cores: 2}
	g.Seed, g.Started, g.Seconds = 9007199254740991, time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC), 61.5
	add := func(submission, name string, r *lab.Result, reason, retried string) {
		x := Graded{
			Attempt: Attempt{submission, name}, Title: "The order page takes three seconds", Reason: reason, Retried: retried, Runs: 1,
			Fix:       HandedIn{Folder: "labs/" + name + "/fix", Files: []string{"fix.sql"}, Digest: "sha256:12", Ignored: []string{"internal/"}},
			LabDigest: "sha256:ab", Evidence: []string{},
		}
		if r != nil {
			d := Documented(r)
			d.Series = d.Series[:0]
			x.Run, x.Verdict, x.Score, x.Reason = &d, r.Verdict, r.Score(), r.Reason
		} else {
			x.Verdict, x.Score, x.Runs = lab.Fail, new(float64), 0
			x.Fix = HandedIn{Files: []string{}, Ignored: []string{}}
		}
		g.Planned = append(g.Planned, x.Attempt)
		g.Graded = append(g.Graded, x)
	}
	all := cases()
	add("alice", "mysql/slow-query", all["pass"], "", "no engine answered\n::error::forged")
	add("bob `x|y`", "mysql/slow-query", all["fail"], "", "")
	fault := all["fault"]
	fault.Checks[0].Hint += "\n::error title=x::forged\n```\n# forged\n##[error]forged\x00"
	add("bob `x|y`", "kafka/consumer-lag", fault, "", "")
	add("bob `x|y`", "redis/skewed-keys", nil, "there is no fix of redis/skewed-keys", "")
	add("carol", "mysql/slow-query", all["invalid"], "", "")
	partly := result()
	partly.Verdict, partly.Checks[1].OK = lab.Fail, false
	add("dave", "mysql/slow-query", partly, "", "")
	return g
}

// validate holds JSON to a schema, with a validator that is not ours.
func validate(t *testing.T, schema, text string) {
	t.Helper()
	s, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", s); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(v); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// published is a format's rules as its owner has published them; the file says where.
func published(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "published", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func written(t *testing.T, do func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := do(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The schema that is published is the one of the code, and what is written keeps it.
func TestResultsSchema(t *testing.T) {
	verdict := &google.Schema{Type: "string", Enum: []any{lab.Pass, lab.Fail, lab.InvalidRun}}
	moment := &google.Schema{Type: "string", Format: "date-time"}
	s, err := google.For[Grading](&google.ForOptions{TypeSchemas: map[reflect.Type]*google.Schema{
		reflect.TypeFor[lab.Verdict](): verdict, reflect.TypeFor[time.Time](): moment,
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.Schema, s.Title = "https://json-schema.org/draft/2020-12/schema", "results.json of lab grade"
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile("results.schema.json", text, 0o644); err != nil {
			t.Fatal(err)
		}
		schema = string(text)
	}
	if Schema() != string(text) {
		t.Error("results.schema.json is not that of the code (go test -update writes it anew)")
	}
	g := grading()
	for _, shard := range []*Shard{nil, {1, 2}} {
		g.Shard = shard
		got := written(t, g.JSON)
		validate(t, Schema(), got)
		back, err := ReadGrading(strings.NewReader(got))
		if err != nil {
			t.Fatal(err)
		}
		if again := written(t, back.JSON); again != got {
			t.Error("it is not what was read")
		}
	}
	validate(t, Schema(), written(t, NewGrading().JSON))
}

func TestReadGrading(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "it is no results.json: EOF",
		`{"version": 2}`:                        "it is of version 2, and this is a lab command for version 1",
		`{"version": 1, "lab": "x"}`:            "",
		`{"version": 1, "graded": [{}]}`:        "it is no results.json: an attempt has no submission or no lab",
		`{"version": 1, "graded": {"lab": "x"}`: "it is no results.json: ",
	} {
		_, err := ReadGrading(strings.NewReader(text))
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestGradingExit(t *testing.T) {
	g := grading()
	if got := g.Exit(); got != 3 {
		t.Errorf("with an invalid one: %d", got)
	}
	g.Graded, g.Planned = g.Graded[:1], g.Planned[:1]
	if got := g.Exit(); got != 0 {
		t.Errorf("all pass: %d", got)
	}
	g.Planned = append(g.Planned, Attempt{"alice", "mysql/other"})
	if got := g.Exit(); got != 3 {
		t.Errorf("one is missing: %d", got)
	}
}

func TestTable(t *testing.T) { golden(t, "grading.txt", []byte(written(t, grading().Table))) }

func TestJUnit(t *testing.T) {
	text := written(t, grading().JUnit)
	golden(t, "grading.junit.xml", []byte(text))
	suites, err := junit.Ingest([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var sum junit.Totals
	for _, s := range suites {
		sum.Tests, sum.Passed, sum.Failed, sum.Error, sum.Skipped = sum.Tests+s.Totals.Tests, sum.Passed+s.Totals.Passed,
			sum.Failed+s.Totals.Failed, sum.Error+s.Totals.Error, sum.Skipped+s.Totals.Skipped
	}
	want := junit.Totals{Tests: 18, Passed: 9, Failed: 5, Error: 1, Skipped: 3}
	if sum != want {
		t.Errorf("%+v, want %+v", sum, want)
	}
	keepsRules(t, text)
}

func TestGradescope(t *testing.T) {
	g := grading()
	for _, name := range g.Submissions() {
		ok := false
		text := written(t, func(w io.Writer) (err error) { ok, err = Gradescope(w, g.Of(name)); return err })
		if ok != (name != "carol") || ok != (text != "") {
			t.Errorf("%s: %v, %q", name, ok, text)
		}
		if ok {
			validate(t, published(t, "gradescope.json"), text)
			golden(t, "gradescope-"+name[:3]+".json", []byte(text))
		}
	}
}

func TestPrairieLearn(t *testing.T) {
	g := grading()
	for _, name := range g.Submissions() {
		text := written(t, func(w io.Writer) error { return PrairieLearn(w, g.Of(name)) })
		validate(t, published(t, "prairielearn.json"), text)
		golden(t, "prairielearn-"+name[:3]+".json", []byte(text))
	}
	many := g.Of("bob `x|y`")[1:2]
	many[0].Run.Checks[0].Hint = strings.Repeat("\x01<&>", 100_000)
	for range 200 {
		many = append(many, many[0])
	}
	if n := len(written(t, func(w io.Writer) error { return PrairieLearn(w, many) })); n > 1_000_000 {
		t.Errorf("%d bytes, and 1 MB is allowed", n)
	}
}

func TestExercism(t *testing.T) {
	for i, x := range grading().Graded {
		text := written(t, func(w io.Writer) error { return Exercism(w, x) })
		validate(t, published(t, "exercism.json"), text)
		golden(t, "exercism-"+string(rune('a'+i))+".json", []byte(text))
	}
}

func TestSummary(t *testing.T) {
	g := grading()
	text := written(t, g.Summary)
	golden(t, "grading.md", []byte(text))
	for range 12 {
		g.Graded = append(g.Graded, g.Graded...)
	}
	if n := len(written(t, g.Summary)); n > 1<<20 {
		t.Errorf("%d bytes, and 1 MiB is allowed", n)
	}
}

// A line of a log is a command for the runner if it begins so, after blanks, or has
// the older mark anywhere: src/Runner.Common/ActionCommand.cs of actions/runner.
func commands(text string) (list []string) {
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
			list = append(list, line)
		}
	}
	return list
}

func TestAnnotations(t *testing.T) {
	text := written(t, grading().Annotations)
	golden(t, "grading.annotations.txt", []byte(text))
	list := commands(text)
	if len(list) != 5 {
		t.Errorf("%d commands: %q", len(list), list)
	}
	for _, c := range list {
		if !strings.HasPrefix(c, "::error title=") && !strings.HasPrefix(c, "::warning title=carol%2C ") {
			t.Errorf("command %q", c)
		}
	}
}

func TestFence(t *testing.T) {
	for text, want := range map[string]string{
		"plain :: text\n":                      "plain :: text\n",
		"::error::x\n":                         ": :error::x\n",
		"  \t\u00a0\ufeff::stop-commands::x\n": "  \t\u00a0\ufeff: :stop-commands::x\n",
		"a ##[error]x ##[add-mask]y\n":         "a ## [error]x ## [add-mask]y\n",
		"a\r::error::x\r\n::debug::y\n":        "a\r: :error::x\r\n: :debug::y\n",
		"##[\n":                                "## [\n",
	} {
		for size := 1; size < 8; size++ { // however it is cut
			var b bytes.Buffer
			w := Fence(&b)
			for rest := text; rest != ""; rest = rest[min(size, len(rest)):] {
				if _, err := io.WriteString(w, rest[:min(size, len(rest))]); err != nil {
					t.Fatal(err)
				}
			}
			if b.String() != want {
				t.Errorf("%q became %q", text, b.String())
			}
		}
	}
	var b bytes.Buffer
	if err := grading().Table(Fence(&b)); err != nil || len(commands(b.String())) > 0 {
		t.Errorf("%v, commands %q", err, commands(b.String()))
	}
}

func FuzzFence(f *testing.F) {
	f.Add("::error::x\n##[error]y\n")
	f.Add("\u2028::set-output name=x::y\n")
	f.Fuzz(func(t *testing.T, text string) {
		var b bytes.Buffer
		if _, err := io.WriteString(Fence(&b), text+"\n"); err != nil {
			t.Fatal(err)
		}
		if list := commands(b.String()); len(list) > 0 {
			t.Errorf("%q has the commands %q", text, list)
		}
	})
}

// Whatever is in a results.json: it is refused, or all formats can be made of it.
func FuzzReadGrading(f *testing.F) {
	small := grading()
	small.Graded, small.Planned = small.Graded[3:5], small.Planned[3:5]
	var b bytes.Buffer
	if err := small.JSON(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.String())
	f.Add(`{"version": 1, "graded": [{"submission": "a", "lab": "b", "verdict": "pass"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		g, err := ReadGrading(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, do := range []func(io.Writer) error{g.JSON, g.JUnit, g.Summary, g.Annotations, g.Table} {
			if err := do(io.Discard); err != nil {
				t.Error(err)
			}
		}
		for _, name := range g.Submissions() {
			if _, err := Gradescope(io.Discard, g.Of(name)); err != nil {
				t.Error(err)
			}
			if err := PrairieLearn(io.Discard, g.Of(name)); err != nil {
				t.Error(err)
			}
		}
		for _, x := range g.Graded {
			if err := Exercism(io.Discard, x); err != nil {
				t.Error(err)
			}
		}
	})
}
