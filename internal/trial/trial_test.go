package trial

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/report"
)

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRoot(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"go.mod": "module faultlab\n\ngo 1.26\n", "labs/mysql/x/fix/go.mod": "module other\n"})
	got, err := Root(filepath.Join(dir, "labs", "mysql", "x", "fix"))
	if err != nil || got != dir {
		t.Errorf("Root = %q, %v; want %q", got, err, dir)
	}
	if _, err := Root(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not inside a checkout") {
		t.Errorf("outside of a checkout: %v", err)
	}
}

func TestEnsureFix(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"start/fix.sql": "broken", "start/sub/more.sql": "more"})
	if made, err := EnsureFix(dir); err != nil || !made {
		t.Fatalf("first: %v, %v", made, err)
	}
	if got := read(t, filepath.Join(dir, "fix", "sub", "more.sql")); got != "more" {
		t.Errorf("copied %q", got)
	}
	write(t, dir, map[string]string{"fix/fix.sql": "mine"})
	if made, err := EnsureFix(dir); err != nil || made {
		t.Fatalf("second: %v, %v", made, err)
	}
	if got := read(t, filepath.Join(dir, "fix", "fix.sql")); got != "mine" {
		t.Errorf("the fix became %q", got)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".fix-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A fix that is a file or a dangling link is the learner's all the same.
func TestEnsureFixLeavesWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"start/fix.sql": "broken"})
	if err := os.Symlink("nowhere", filepath.Join(dir, "fix")); err != nil {
		t.Skip(err)
	}
	if made, err := EnsureFix(dir); err != nil || made {
		t.Errorf("made %v, %v", made, err)
	}
}

func TestKeepLeavesTheNewest(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "mysql", "x")
	for _, run := range []string{"20260101-000001-a", "20260101-000002-b", "20260101-000003-c", "20260101-000004-d", "20260101-000005-e", "20260101-000006-f"} {
		if err := keep(filepath.Join(parent, run), &lab.Result{Lab: "mysql/x", Verdict: lab.Pass}); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := []string{"20260101-000002-b", "20260101-000003-c", "20260101-000004-d", "20260101-000005-e", "20260101-000006-f", "latest"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(read(t, filepath.Join(parent, "latest", "result.json")), `"pass"`) {
		t.Error("latest is not the last result")
	}
}

const whole = "# T\n\n## Story\n\nPager.\n\n## Symptoms\n\n1,000 rows, 19.7 MB.\n\n## Your task\n\nWrite `fix/fix.sql`.\n\n" +
	"## How it is measured\n\n## Background\n\nAn index.\n" +
	"<!-- measured: 1,000 rows = rows-read ± 1 % -->\n<!-- measured: 19.7 MB = size / 1000000 ± 5 % -->\n<!-- spoilers: index, key -->\n"

func TestGaps(t *testing.T) {
	const hints = "# Hints\n\n## a\n\n## b\n\n## c\n"
	with := func(old, by string) map[string]string {
		return map[string]string{"README.md": strings.Replace(whole, old, by, 1), "hints.md": hints, "start/fix.sql": ""}
	}
	variants := []string{"start", "solution", "also/a", "also/b", "wrong/a", "wrong/b", "wrong/c", "wrong/d"}
	for _, c := range []struct {
		name     string
		files    map[string]string
		variants []string
		want     []string
	}{
		{"whole", with("", ""), variants, nil},
		{"no brief", map[string]string{"hints.md": hints}, variants, []string{"README.md is missing"}},
		{"order of sections", with("## Story\n\nPager.\n\n## Symptoms", "## Symptoms\n\n## Story"), variants,
			[]string{`README.md has no "## Symptoms", or not in its place`}},
		{"a file that is not there", with("`fix/fix.sql`", "`fix/source.sql`"), variants, []string{"README.md names the file source.sql, which start/ has not"}},
		{"gives it away", with("Pager.", "An Index is missing."), variants, []string{`README.md gives "index" away under "## Story"`}},
		{"part of a word", with("Pager.", "Monkeys."), variants, nil},
		{"no spoilers", with("<!-- spoilers", "<!--"), variants, []string{`README.md has no comment "spoilers: …" with the words that would give the answer away`}},
		{"another number", with("1,000 rows,", "2,000 rows,"), variants, []string{`README.md says that "1,000 rows" is measured, and its symptoms don't have it`}},
		{"few", map[string]string{"README.md": whole, "start/fix.sql": "", "hints.md": "## a\n"}, variants[:4], []string{
			`hints.md: 1 of at least 3 rungs, each under a "## " heading`, "wrong/: 0 of at least 4 variants",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, c.files)
			if diff := cmp.Diff(c.want, Gaps(dir, c.variants)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHolds(t *testing.T) {
	pass := &lab.Result{Verdict: lab.Pass}
	fail := &lab.Result{Verdict: lab.Fail, Checks: []lab.Outcome{{ID: "rows-read", Seen: "there is no index"}, {ID: "lost", OK: true}}}
	healed := &lab.Result{Verdict: lab.Fail, Variant: "start", Checks: []lab.Outcome{{ID: "rows-read", Weight: 1}, {ID: "lag", OK: true, Weight: 1}}}
	invalid := &lab.Result{Verdict: lab.InvalidRun, Reason: "no engine"}
	for _, c := range []struct {
		name     string
		expected string
		res      *lab.Result
		must     fix.Promise
		ok       bool
		note     string
	}{
		{"pass", "pass", pass, fix.Promise{}, true, ""},
		{"pass that fails", "pass", fail, fix.Promise{}, false, "the verdict is wrong"},
		{"invalid is never as promised", "fail", invalid, fix.Promise{}, false, "no engine"},
		{"fail", "fail: rows-read", fail, fix.Promise{Fails: []string{"rows-read"}}, true, ""},
		{"fail that shows why", "fail: rows-read", fail, fix.Promise{Fails: []string{"rows-read"}, Shows: "no index"}, true, ""},
		{"fail that does not show why", "fail: rows-read", fail, fix.Promise{Fails: []string{"rows-read"}, Shows: "filesort"}, false,
			`the learner must be shown "filesort", and is shown "there is no index"`},
		{"start that is paid for", "fail", healed, fix.Promise{}, false,
			"doing nothing scores 0.5: a check that failed on the broken state holds without a fix"},
		{"fail on another check", "fail: lost", fail, fix.Promise{Fails: []string{"lost"}}, false, "check lost holds, though the variant must fail on it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			row := report.ProofRow{Variant: c.res.Variant, Expected: c.expected, Failed: c.res.Failed(), Score: c.res.Score()}
			if ok, note := holds(row, c.res, c.must); ok != c.ok || note != c.note {
				t.Errorf("holds = %v, %q; want %v, %q", ok, note, c.ok, c.note)
			}
		})
	}
}

func TestLast(t *testing.T) {
	root := t.TempDir()
	if res, err := Last(root, ""); res != nil || err != nil {
		t.Errorf("of nothing: %v, %v", res, err)
	}
	result := func(lab string) string { return `{"version": 1, "lab": "` + lab + `", "evidence": "/elsewhere"}` }
	write(t, root, map[string]string{
		".faultlab/mysql/x/20260101-000001-f/result.json": result("mysql/x"),
		".faultlab/mysql/x/20260101-000003-a/result.json": result("mysql/x"),
		".faultlab/mysql/x/20260101-000009-a/mysql.log":   "a run that was killed",
		".faultlab/redis/y/20260101-000002-z/result.json": result("redis/y"),
		".faultlab/kafka/z/20260101-000000-z/result.json": "{",
	})
	for name, want := range map[string]string{"": "mysql/x/20260101-000003-a", "mysql/x": "mysql/x/20260101-000003-a", "redis/y": "redis/y/20260101-000002-z"} {
		res, err := Last(root, name)
		if err != nil || res.Evidence != filepath.Join(root, ".faultlab", filepath.FromSlash(want)) {
			t.Errorf("%q: %+v, %v", name, res, err)
		}
	}
	if _, err := Last(root, "kafka/z"); err == nil || !strings.Contains(err.Error(), "result.json: read result: ") {
		t.Errorf("of a broken one: %v", err)
	}
}

func TestExplained(t *testing.T) {
	dir := t.TempDir()
	if list, err := Explained(dir); list != nil || err != nil {
		t.Errorf("without a file: %v, %v", list, err)
	}
	write(t, dir, map[string]string{"readings.md": "# Readings\n\n## rows-read\n\nRows.\n\n```sql\nSELECT 1\n```\n\n## lost, doubled\nOrders.\n"})
	list, err := Explained(dir)
	want := []Meaning{{"rows-read", "Rows.\n\n```sql\nSELECT 1\n```"}, {"lost", "Orders."}, {"doubled", "Orders."}}
	if diff := cmp.Diff(want, list); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestNumbersOfTheBrief(t *testing.T) {
	for _, c := range []struct {
		rows, size float64
		want       []string
	}{
		{1009, 19.1e6, nil},
		{1011, 19.7e6, []string{"README.md says 1,000 rows, and 1,011 is measured: rows-read"}},
		{1000, 25e6, []string{"README.md says 19.7 MB, and 25 is measured: size"}},
	} {
		var r lab.Readings
		r.Set("rows-read", "rows", c.rows)
		r.Set("size", "bytes", c.size)
		if diff := cmp.Diff(c.want, brief{whole}.wrong(&r)); diff != "" {
			t.Error(diff)
		}
	}
	if got := (brief{whole}).wrong(&lab.Readings{}); len(got) != 2 {
		t.Errorf("without readings: %q", got)
	}
}

// What was handed in lies in a module of its own, and nowhere else.
func TestUnpack(t *testing.T) {
	root, to := t.TempDir(), t.TempDir()
	write(t, root, map[string]string{"go.mod": "module faultlab\n", "go.sum": "sum\n", "labs/mysql/x/start/fix.sql": "start"})
	dir, err := unpack(root, to, "mysql/x", Options{Variant: "fix", Files: map[string]string{"fix.sql": "mine"}})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "fix", "fix.sql"): "mine",
		filepath.Join(to, "go.mod"):          "module faultlab\n",
		filepath.Join(to, "go.sum"):          "sum\n",
	} {
		if got := read(t, path); got != want {
			t.Errorf("%s holds %q", path, got)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	for _, name := range []string{"../start/fix.sql", filepath.Join(root, "x")} {
		if _, err := unpack(root, t.TempDir(), "mysql/x", Options{Variant: "fix", Files: map[string]string{name: "out"}}); err == nil {
			t.Errorf("a file called %s was written", name)
		}
	}
}
