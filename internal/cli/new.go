package cli

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"faultlab/internal/trial"
)

//go:embed scaffold
var scaffolds embed.FS

// engines is what a new lab's lab.go says for each engine.
var engines = map[string]struct{ script, new, apply string }{
	"mysql":      {"fix.sql", `mysql.New(r, mysql.Config{})`, `srv.Apply(ctx, v, "fix.sql")`},
	"redis":      {"", `redis.New(r, redis.Config{})`, ""},
	"kafka":      {"", `kafka.New(r, kafka.Config{})`, ""},
	"clickhouse": {"fix.sql", `clickhouse.New(r, clickhouse.Config{})`, `srv.Apply(ctx, v, "fix.sql")`},
}

var newName = regexp.MustCompile(`^(mysql|redis|kafka|clickhouse)/([a-z0-9]+(?:-[a-z0-9]+)*)$`)

func (a *App) scaffold() *cobra.Command {
	var program bool
	cmd := &cobra.Command{
		Use:   "new ENGINE/NAME",
		Short: "Make the folder of a new lab: it compiles, and its proof says what is still to do",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			m := newName.FindStringSubmatch(args[0])
			if m == nil {
				return fmt.Errorf("%q is no name for a lab; it is ENGINE/words-with-dashes, ENGINE being mysql, redis, kafka or clickhouse", args[0])
			}
			root, err := a.root()
			if err != nil {
				return err
			}
			dir := trial.Dir(root, args[0])
			if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s exists already; choose another name", dir)
			}
			e := engines[m[1]]
			lab := newLab{
				Name: args[0], Engine: m[1], Package: strings.ReplaceAll(m[2], "-", ""),
				Program: program || e.script == "", Script: e.script, New: e.new, Apply: e.apply,
			}
			if err := lab.write(dir); err != nil {
				return fault{err}
			}
			if err := lab.enlist(filepath.Join(root, "labs", "labs.go")); err != nil {
				return fault{err}
			}
			fmt.Fprintf(a.Out, "made %s and its line in labs/labs.go\nnow: bin/lab prove %s says what is still to do (make build first)\n", dir, args[0])
			return nil
		},
	}
	cmd.Flags().BoolVar(&program, "program", false, "the fix is a Go program instead of a script")
	return cmd
}

// newLab is what the templates are filled with.
type newLab struct {
	Name, Engine, Package string
	Program               bool
	Script, New, Apply    string
}

func (l newLab) write(dir string) error {
	files := map[string]string{
		"lab.go": "lab.go.tmpl", "lab_test.go": "lab_test.go.tmpl",
		"README.md": "README.md.tmpl", "hints.md": "hints.md.tmpl", "readings.md": "readings.md.tmpl",
	}
	for _, variant := range []string{"start", "solution"} {
		if l.Program {
			files[variant+"/main.go"] = "main.go.tmpl"
		} else {
			files[variant+"/"+l.Script] = "script.tmpl"
		}
	}
	for name, tmpl := range files {
		t, err := template.ParseFS(scaffolds, "scaffold/"+tmpl)
		if err != nil {
			return err
		}
		var text bytes.Buffer
		if err := t.Execute(&text, l); err != nil {
			return err
		}
		out := text.Bytes()
		if strings.HasSuffix(name, ".go") {
			if out, err = format.Source(out); err != nil {
				return fmt.Errorf("format %s: %w", name, err)
			}
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("make lab: %w", err)
		}
		if err := os.WriteFile(path, out, 0o644); err != nil {
			return fmt.Errorf("make lab: %w", err)
		}
	}
	return nil
}

// enlist adds the lab at the end of the list in labs.go.
func (l newLab) enlist(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("add to list: %w", err)
	}
	// Two engines may have labs of the same name.
	alias := l.Engine + l.Package
	s := string(text)
	imports := strings.Index(s, "\n)\n")
	list := strings.LastIndex(s, "\n}")
	if imports < 0 || list < imports {
		return fmt.Errorf("%s is not as expected: add the lab's import and its line by hand", path)
	}
	s = s[:imports] + fmt.Sprintf("\n\t%s %q", alias, "faultlab/labs/"+l.Name) +
		s[imports:list] + fmt.Sprintf("\n\t%s.Lab,", alias) + s[list:]
	out, err := format.Source([]byte(s))
	if err != nil {
		return fmt.Errorf("add to list: %w", err)
	}
	return os.WriteFile(path, out, 0o644)
}
