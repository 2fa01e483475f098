//go:build unix

package fix

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"faultlab/internal/lab"
)

// strange builds one main package as it is built when somebody has handed it in.
func strange(t *testing.T, text string) error {
	t.Helper()
	dir := tree(t, map[string]string{
		"go.mod":          "module example\n\ngo 1.26\n",
		"lab/fix/main.go": text,
	})
	v, err := Read(filepath.Join(dir, "lab"), "fix", lab.Program())
	if err != nil {
		t.Fatal(err)
	}
	v.Sandbox = "test"
	scratch := t.TempDir()
	_, err = Build(t.Context(), v, scratch)
	left, _ := filepath.Glob(filepath.Join(scratch, "*"))
	for _, l := range left {
		if !strings.HasPrefix(filepath.Base(l), "program-") { // the binary
			t.Errorf("the build has left %s", l)
		}
	}
	return err
}

// A source can't do anything while it is built, and what it makes the compiler say
// is not taken for a fault of the machine's.
func TestStrangeBuilds(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	t.Setenv("GOFLAGS", "-toolexec=touch "+mark) // would be inherited
	for name, c := range map[string]struct{ text, says string }{
		"cgo":               {"package main\n\n// #include </etc/passwd>\nimport \"C\"\n\nfunc main() {}\n", ""},
		"cgo's flags":       {"package main\n\n// #cgo CFLAGS: -fplugin=/tmp/x.so\n// #cgo LDFLAGS: -Wl,--version\nimport \"C\"\n\nfunc main() { C.abort() }\n", ""},
		"embed, outside":    {"package main\n\nimport _ \"embed\"\n\n//go:embed /etc/passwd\nvar s string\n\nfunc main() { println(s) }\n", "pattern"},
		"embed, above":      {"package main\n\nimport _ \"embed\"\n\n//go:embed ../../go.mod\nvar s string\n\nfunc main() { println(s) }\n", "pattern"},
		"package of ours":   {"package main\n\nimport \"faultlab/internal/lab\"\n\nfunc main() { lab.Blame(\"\", nil) }\n", "faultlab/internal/lab"},
		"another module":    {"package main\n\nimport \"example.com/evil\"\n\nfunc main() { evil.Do() }\n", "example.com/evil"},
		"no place of its":   {"package main\n\n//line /etc/passwd:1\nfunc main() { undefined() }\n", "undefined"},
		"disk is full":      {"package main\n\n//line x: no space left on device:1\nfunc main() { var i int = \"no space left on device\" }\n", "no space left"},
		"no network":        {"package main\n\n//line x: Get \"https://proxy\": dial tcp:1\nfunc main() { undefined() }\n", "undefined"},
		"large file":        {"package main\n\nvar x = [1 << 29]byte{1 << 28: 1}\n\nfunc main() { println(x[len(x)-1]) }\n", ""},
		"workflow commands": {"package main\n\nfunc main() {\n//line ::error file=x::y\\\\n::error:1\n\tundefined() }\n", "undefined"},
	} {
		t.Run(name, func(t *testing.T) {
			err := strange(t, c.text)
			blamed(t, err, c.says)
			for line := range strings.Lines(err.Error()) {
				if strings.HasPrefix(line, "::") {
					t.Errorf("a line of the compiler's begins with ::, %q", line)
				}
			}
			var invalid *lab.Invalid
			if errors.As(err, &invalid) {
				t.Errorf("it is held against the machine: %v", err)
			}
		})
	}
	// What does nothing is passed over.
	if err := strange(t, "package main\n\n//go:generate touch "+mark+"\n\nfunc main() {}\n"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("something ran")
	}
}
