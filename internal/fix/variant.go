// Package fix reads a variant's folder and runs what is in it: statements one
// by one, or a program as a process of its own.
package fix

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"faultlab/internal/lab"
)

// maxFile is the largest file of a variant, in bytes. The largest answer that
// any lab asks for is some hundred lines.
const maxFile = 1 << 20

// Read reads the variant called name ("start", "also/x") of the lab in dir and
// says in one sentence which file is missing, empty or unknown.
//
// README.md, notes.md, hidden files and editors' backups ("x~") are the
// learner's own and are passed over. Everything else must belong to the fix,
// so that a misspelt file name is found here and not by a puzzling verdict.
func Read(dir, name string, kind lab.Kind) (lab.Variant, error) {
	v := lab.Variant{Name: name, Dir: filepath.Join(dir, filepath.FromSlash(name)), Files: map[string]string{}}
	root, err := open(dir, name)
	if err != nil {
		return v, err
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return v, fmt.Errorf("read %s: %w", name, err)
	}
	for _, e := range entries {
		file := e.Name()
		if private(file) {
			continue
		}
		if !kind.Wants(file) {
			return v, fmt.Errorf("%s/%s is not part of the fix, which is %s: rename or remove it", name, file, kind)
		}
		text, err := read(root, file)
		if err != nil {
			return v, fmt.Errorf("%s/%s %w", name, file, err)
		}
		v.Files[file] = text
	}
	for _, file := range kind.Files {
		if _, ok := v.Files[file]; !ok {
			return v, fmt.Errorf("%s/%s is missing: create it (start/%s shows what it looks like)", name, file, file)
		}
	}
	if kind.Program {
		return v, main(v)
	}
	return v, nil
}

// Command is a variant whose program is a command line instead of Go source,
// run in the variant's folder. Its words are split at white space; what needs
// quoting goes into a script in the folder.
func Command(dir, name, line string) (lab.Variant, error) {
	v := lab.Variant{Name: name, Dir: filepath.Join(dir, filepath.FromSlash(name)), Command: strings.Fields(line)}
	if len(v.Command) == 0 {
		return v, errors.New("the command line of the program is empty")
	}
	root, err := open(dir, name)
	if err != nil {
		return v, err
	}
	return v, root.Close()
}

// open opens a variant's folder; nothing outside of it can be reached through it.
func open(dir, name string) (*os.Root, error) {
	parent, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open lab folder: %w", err)
	}
	defer parent.Close()
	info, err := parent.Stat(filepath.FromSlash(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s/ is missing: copy start/ to it", name)
	case err != nil:
		return nil, fmt.Errorf("%s/ can't be read; it must be a folder inside the lab's: %w", name, err)
	case !info.IsDir():
		return nil, fmt.Errorf("%s is no folder: copy start/ to it", name)
	}
	return parent.OpenRoot(filepath.FromSlash(name))
}

// read reads one file. Its errors go on from the file's name.
func read(root *os.Root, file string) (string, error) {
	info, err := root.Stat(file) // before the opening, which would wait for a pipe's writer
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", errors.New("is a link that leads nowhere: replace it by a file")
	case err != nil:
		return "", fmt.Errorf("can't be read; put a plain file there: %w", err)
	case !info.Mode().IsRegular():
		return "", errors.New("is not a plain file: replace it by one")
	}
	f, err := root.Open(file)
	if err != nil {
		return "", fmt.Errorf("can't be opened: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("can't be read: %w", err)
	case len(b) > maxFile:
		return "", errors.New("is larger than 1 MiB: a fix is text that a person wrote")
	}
	text := strings.TrimPrefix(string(b), "\ufeff") // some editors put a byte order mark first
	if strings.TrimSpace(text) == "" {
		return "", errors.New("is empty: write the fix into it")
	}
	return text, nil
}

func private(file string) bool {
	return file == "README.md" || file == "notes.md" || strings.HasPrefix(file, ".") || strings.HasSuffix(file, "~")
}

// main wants a main package. What does not parse is left to the compiler,
// which says it better.
func main(v lab.Variant) error {
	if len(v.Files) == 0 {
		return fmt.Errorf("%s/ has no .go file: write a main package into it", v.Name)
	}
	for _, file := range slices.Sorted(maps.Keys(v.Files)) {
		f, err := parser.ParseFile(token.NewFileSet(), file, v.Files[file], parser.PackageClauseOnly)
		if err == nil && f.Name.Name != "main" {
			return fmt.Errorf("%s/%s is package %s: it must be package main", v.Name, file, f.Name.Name)
		}
	}
	return nil
}

// List names the variants in a lab's folder, in the order start, solution,
// also/*, wrong/*; fix is not among them.
func List(dir string) ([]string, error) {
	if _, err := os.ReadDir(dir); err != nil {
		return nil, fmt.Errorf("list variants: %w", err)
	}
	var names []string
	for _, name := range []string{"start", "solution"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.IsDir() {
			names = append(names, name)
		}
	}
	for _, family := range []string{"also", "wrong"} {
		entries, err := os.ReadDir(filepath.Join(dir, family))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("list variants: %w", err)
		}
		for _, e := range entries {
			if e.IsDir() && !private(e.Name()) {
				names = append(names, family+"/"+e.Name())
			}
		}
	}
	return names, nil
}

var promiseRE = regexp.MustCompile(`^(?:--|//|#)\s*(fails|shows):\s*(.*)$`)

// Promise is what a wrong variant says of itself at the head of one of its files.
type Promise struct {
	Fails []string // ids of the checks that it must fail on, from the line "fails: …"
	Shows string   // what the learner must be shown to have been seen, from "shows: …"
}

// Promised reads what a wrong variant promises: comments in the first lines of
// one of its files.
func Promised(v lab.Variant) (p Promise, err error) {
	for _, file := range slices.Sorted(maps.Keys(v.Files)) {
		for line := range strings.Lines(v.Files[file]) {
			m := promiseRE.FindStringSubmatch(strings.TrimSpace(line))
			if m == nil {
				break
			}
			if m[1] == "shows" {
				p.Shows = m[2]
				continue
			}
			p.Fails = strings.FieldsFunc(m[2], func(r rune) bool { return r == ' ' || r == ',' })
		}
		if len(p.Fails) > 0 {
			return p, nil
		}
	}
	return p, fmt.Errorf("%s/ has no file whose first line is a comment \"fails: <check-id>\"", v.Name)
}

// Write makes a variant's folder of files that others named: whatever one is
// called, it stays in there.
func Write(dir string, files map[string]string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for name, text := range files {
		if err := root.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
