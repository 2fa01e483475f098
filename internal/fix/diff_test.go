package fix

import (
	"testing"

	"faultlab/internal/lab"
)

func TestDiff(t *testing.T) {
	start := lab.Variant{Name: "start", Files: map[string]string{"a.go": "x\ny\n", "b.go": "same\n", "c.go": "old\n"}}
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"nothing", start.Files, ""},
		{"changed, new and gone", map[string]string{"a.go": "x\nz\n", "b.go": "same\n", "d.go": "new\n"},
			"--- start/a.go\n+++ fix/a.go\n@@ -1,2 +1,2 @@\n x\n-y\n+z\n" +
				"--- start/c.go\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-old\n" +
				"--- /dev/null\n+++ fix/d.go\n@@ -0,0 +1,1 @@\n+new\n"},
	} {
		if got := Diff(start, lab.Variant{Name: "fix", Files: c.files}); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}
