package fix

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"faultlab/internal/lab"
)

// tree makes a lab's folder; a value "-> x" is a link to x, "" for a name with
// a slash at its end is a folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			path = filepath.Join(path, "x") // only its folder is made
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if to, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(to, path)
		} else if !strings.HasSuffix(name, "/") {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRead(t *testing.T) {
	sql, two, program := lab.Scripts("fix.sql"), lab.Scripts("fix.sql", "query.sql"), lab.Program()
	for _, c := range []struct {
		name  string
		kind  lab.Kind
		files map[string]string
		err   string // empty: none
	}{
		{"good", sql, map[string]string{"fix/fix.sql": "SELECT 1"}, ""},
		{"learner's own files", sql, map[string]string{"fix/fix.sql": "SELECT 1", "fix/notes.md": "", "fix/README.md": "", "fix/.gitkeep": "", "fix/fix.sql~": "", "fix/.idea/": ""}, ""},
		{"link inside", sql, map[string]string{"fix/fix.sql": "-> .mine", "fix/.mine": "SELECT 1"}, ""},
		{"no folder", sql, map[string]string{"start/fix.sql": "SELECT 1"}, "fix/ is missing: copy start/ to it"},
		{"a file for the folder", sql, map[string]string{"fix": "SELECT 1"}, "fix is no folder: copy start/ to it"},
		{"missing file", two, map[string]string{"fix/fix.sql": "SELECT 1"}, "fix/query.sql is missing: create it (start/query.sql shows what it looks like)"},
		{"empty file", sql, map[string]string{"fix/fix.sql": " \n\t\n"}, "fix/fix.sql is empty: write the fix into it"},
		{"unknown file", two, map[string]string{"fix/fix.sql": "SELECT 1", "fix/query.sql": "SELECT 1", "fix/qeury.sql": "x"}, "fix/qeury.sql is not part of the fix, which is fix.sql, query.sql: rename or remove it"},
		{"unknown folder", sql, map[string]string{"fix/fix.sql": "SELECT 1", "fix/sub/": ""}, "fix/sub is not part of the fix, which is fix.sql: rename or remove it"},
		{"folder for a file", sql, map[string]string{"fix/fix.sql/": ""}, "fix/fix.sql is not a plain file: replace it by one"},
		{"large file", sql, map[string]string{"fix/fix.sql": strings.Repeat("x", maxFile+1)}, "fix/fix.sql is larger than 1 MiB: a fix is text that a person wrote"},
		{"link out of the folder", sql, map[string]string{"fix/fix.sql": "-> ../solution/fix.sql", "solution/fix.sql": "SELECT 1"}, "fix/fix.sql can't be read; put a plain file there: "},
		{"link out of the machine's folder", sql, map[string]string{"fix/fix.sql": "-> /etc/hosts"}, "fix/fix.sql can't be read; put a plain file there: "},
		{"dangling link", sql, map[string]string{"fix/fix.sql": "-> nowhere"}, "fix/fix.sql is a link that leads nowhere: replace it by a file"},
		{"folder is a link out", sql, map[string]string{"fix": "-> /etc"}, "fix/ can't be read; it must be a folder inside the lab's: "},
		{"program", program, map[string]string{"fix/main.go": "package main", "fix/batch.go": "package main"}, ""},
		{"program that does not parse", program, map[string]string{"fix/main.go": "pakcage main"}, ""},
		{"no program", program, map[string]string{"fix/notes.md": "x"}, "fix/ has no .go file: write a main package into it"},
		{"not main", program, map[string]string{"fix/main.go": "package consumer"}, "fix/main.go is package consumer: it must be package main"},
		{"go.mod", program, map[string]string{"fix/main.go": "package main", "fix/go.mod": "module x"}, "fix/go.mod is not part of the fix, which is the .go files of one main package: rename or remove it"},
		{"test", program, map[string]string{"fix/main.go": "package main", "fix/main_test.go": "package main"}, "fix/main_test.go is not part of the fix, which is the .go files of one main package: rename or remove it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := Read(tree(t, c.files), "fix", c.kind)
			switch {
			case c.err == "" && err != nil:
				t.Fatal(err)
			case c.err == "" && len(v.Files) == 0:
				t.Fatal("no files")
			case c.err != "" && err == nil:
				t.Fatalf("no error, want %q", c.err)
			case c.err != "" && err.Error() != c.err && (!strings.HasSuffix(c.err, ": ") || !strings.HasPrefix(err.Error(), c.err)):
				t.Fatalf("error\n\t%v\nwant\n\t%s", err, c.err)
			}
		})
	}
}

func TestReadTakesOffByteOrderMark(t *testing.T) {
	v, err := Read(tree(t, map[string]string{"fix/fix.sql": "\ufeffSELECT 1"}), "fix", lab.Scripts("fix.sql"))
	if err != nil || v.Files["fix.sql"] != "SELECT 1" {
		t.Fatalf("%q, %v", v.Files["fix.sql"], err)
	}
}

func TestList(t *testing.T) {
	dir := tree(t, map[string]string{
		"wrong/timeout/fix.sql": "x", "wrong/cheat/fix.sql": "x", "also/b/fix.sql": "x", "also/a/fix.sql": "x",
		"solution/fix.sql": "x", "start/fix.sql": "x", "fix/fix.sql": "x", "wrong/notes.md": "x", "also/.tmp/": "", "lab.go": "x",
	})
	got, err := List(dir)
	want := []string{"start", "solution", "also/a", "also/b", "wrong/cheat", "wrong/timeout"}
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("List = %q, %v, want %q", got, err, want)
	}
	if got, err := List(tree(t, nil)); err != nil || got != nil {
		t.Fatalf("List of an empty folder = %q, %v", got, err)
	}
	if _, err := List(filepath.Join(dir, "nowhere")); err == nil {
		t.Fatal("List of no folder: no error")
	}
}

func TestPromised(t *testing.T) {
	for _, c := range []struct {
		files map[string]string
		want  []string
	}{
		{map[string]string{"fix.sql": "-- fails: rows-examined\n-- tempting since …\nSELECT 1"}, []string{"rows-examined"}},
		{map[string]string{"main.go": "// fails: lost, doubled\npackage main"}, []string{"lost", "doubled"}},
		{map[string]string{"my.cnf": "#fails: lag\r\n"}, []string{"lag"}},
		{map[string]string{"a.sql": "SELECT 1", "b.sql": "-- fails: x"}, []string{"x"}},
		{map[string]string{"fix.sql": "-- fails:\nSELECT 1"}, nil},
		{map[string]string{"fix.sql": "SELECT 1\n-- fails: late"}, nil},
	} {
		p, err := Promised(lab.Variant{Name: "wrong/x", Files: c.files})
		if !slices.Equal(p.Fails, c.want) || (err == nil) != (c.want != nil) {
			t.Errorf("Promised(%q) = %q, %v, want %q", c.files, p.Fails, err, c.want)
		}
	}
	p, err := Promised(lab.Variant{Files: map[string]string{"fix.sql": "-- fails: x\n-- shows: key: idx (a, b)\n-- tempting\n-- shows: late"}})
	if err != nil || p.Shows != "key: idx (a, b)" {
		t.Errorf("shows %q, %v", p.Shows, err)
	}
}
