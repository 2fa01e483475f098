// Package submission takes the files of fixes out of what somebody handed in: a
// folder, a zip, a tar. It trusts nothing about it. Only plain files that belong to
// a variant are read, each and all together within bounds, and nothing is unpacked.
package submission

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"faultlab/internal/lab"
)

// The bounds. A checkout of this project has some 1,500 files and 5 MB; a fix is
// text that a person wrote.
const (
	maxArchive  = 32 << 20  // bytes of a zip or tar
	maxExpanded = 512 << 20 // bytes of a tar when it is unpacked
	maxEntries  = 50_000
	maxDepth    = 40      // folders in folders
	maxFile     = 1 << 20 // bytes of one file of a fix
	maxFix      = 4 << 20 // bytes of a fix
	maxFiles    = 100     // of a fix
)

// Submission is what somebody handed in.
type Submission struct {
	Name    string // of the folder or archive, without its ending
	entries map[string]entry
	read    reader
	taken   map[string]bool
}

// entry is what lies at a path of a submission.
type entry struct {
	kind  kind
	twice bool // an archive can hold two
}

type kind int

const (
	file kind = iota
	folder
	link  // symbolic or hard
	other // a device, a pipe, a socket
)

// reader returns the files at paths, no more of each than maxFile + 1 bytes.
type reader func(paths []string) (map[string][]byte, error)

// Unreadable says in one sentence why what was handed in can't be read. Another
// error of Open is not the submission's: there is no such file, or the disk fails.
type Unreadable struct{ Reason string }

func (e *Unreadable) Error() string { return e.Reason }

func unreadable(format string, args ...any) error {
	return &Unreadable{fmt.Sprintf(format, args...)}
}

// Missing says that there is no fix of a lab.
type Missing struct{ Reason string }

func (e *Missing) Error() string { return e.Reason }

// Open lists the folder, zip, tar or tar.gz at a path. What is Unreadable has a
// name all the same.
func Open(name string) (*Submission, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("open submission: %w", err)
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return nil, fmt.Errorf("open submission: %w", err)
	}
	s := &Submission{Name: stem(filepath.Base(abs)), taken: map[string]bool{}}
	switch {
	case info.IsDir():
		s.Name = filepath.Base(abs)
		s.entries, s.read, err = openFolder(name)
	case !info.Mode().IsRegular():
		err = unreadable("it is neither a folder nor a zip, tar or tar.gz file")
	case info.Size() > maxArchive:
		err = unreadable("it is larger than %d MiB: leave out what does not belong to the fix", maxArchive>>20)
	default:
		var b []byte
		if b, err = os.ReadFile(name); err == nil {
			s.entries, s.read, err = openArchive(b)
		}
	}
	var u *Unreadable
	if err != nil && !errors.As(err, &u) {
		return nil, fmt.Errorf("open submission: %w", err)
	}
	return s, err
}

// stem takes the ending of an archive off its name.
func stem(name string) string {
	for _, end := range []string{".tar.gz", ".tgz", ".tar", ".zip"} {
		if short, ok := strings.CutSuffix(name, end); ok && short != "" {
			return short
		}
	}
	return name
}

// Fix is the files of one fix.
type Fix struct {
	Folder string            // where they lie in the submission
	Files  map[string]string // by name
}

// Digest names the files and what is in them.
func (f Fix) Digest() string {
	h := sha256.New()
	for _, name := range f.Names() {
		fmt.Fprintf(h, "%q %d\n%s\n", name, len(f.Files[name]), f.Files[name])
	}
	return fmt.Sprintf("sha256:%x", h.Sum(nil))
}

// Names lists the files.
func (f Fix) Names() []string {
	names := []string{}
	for name := range f.Files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Take finds the fix of the lab called name and reads its files: those in a folder
// labs/<name>/fix, wherever that is. If no other lab is asked of the submission
// (alone), its files may lie in a folder fix/ at the top instead, or at the top
// itself, which is below whatever folder holds all the rest. Everything else is
// ignored. The error is one sentence to whoever handed it in.
func (s *Submission) Take(name string, k lab.Kind, alone bool) (Fix, error) {
	at, err := s.find(name, k, alone)
	if err != nil {
		return Fix{}, err
	}
	f := Fix{Folder: at, Files: map[string]string{}}
	var paths []string
	for p, e := range s.entries {
		if !e.wanted(p, at, k) {
			continue
		}
		switch {
		case e.twice:
			return f, fmt.Errorf("%s is in the archive twice: leave one", p)
		case e.kind == link:
			return f, fmt.Errorf("%s is a link: only plain files are taken", p)
		case e.kind != file:
			return f, fmt.Errorf("%s is not a plain file", p)
		}
		paths = append(paths, p)
	}
	slices.Sort(paths)
	if len(paths) > maxFiles {
		return f, fmt.Errorf("%s holds %d files of a fix: more than %d are not read", at, len(paths), maxFiles)
	}
	texts, err := s.read(paths)
	if err != nil {
		return f, err
	}
	all := 0
	for _, p := range paths {
		text := texts[p]
		if len(text) > maxFile {
			return f, fmt.Errorf("%s is larger than %d MiB: a fix is text that a person wrote", p, maxFile>>20)
		}
		if all += len(text); all > maxFix {
			return f, fmt.Errorf("%s holds more than %d MiB: a fix is text that a person wrote", at, maxFix>>20)
		}
		f.Files[path.Base(p)] = string(text)
	}
	for _, p := range paths {
		s.taken[p] = true
	}
	return f, nil
}

// find is the folder that a lab's fix lies in.
func (s *Submission) find(name string, k lab.Kind, alone bool) (string, error) {
	var at []string
	layout := false
	for _, dir := range s.folders() {
		if dir == "labs" || strings.HasSuffix(dir, "/labs") {
			layout = true
		}
		if strings.HasSuffix("/"+dir, "/labs/"+name+"/fix") && (s.holds(dir, k) || s.entries[dir].kind == link) {
			at = append(at, dir)
		}
	}
	switch {
	case len(at) > 1:
		return "", fmt.Errorf("there are several fixes of %s: %s; leave one", name, strings.Join(at, ", "))
	case len(at) == 1 && s.entries[at[0]].kind == link:
		return "", fmt.Errorf("%s is a link: only plain folders are looked into", at[0])
	case len(at) == 1:
		return at[0], nil
	case alone && !layout:
		top := s.top()
		for _, dir := range []string{path.Join(top, "fix"), top} {
			if s.holds(dir, k) {
				return dir, nil
			}
		}
		return "", &Missing{fmt.Sprintf("there is no fix of %s: that is %s, in labs/%[1]s/fix or at the top", name, k)}
	}
	return "", &Missing{fmt.Sprintf("there is no fix of %s: that is %s, in labs/%[1]s/fix", name, k)}
}

// folders are those that hold anything, and links that may stand for one.
func (s *Submission) folders() []string {
	seen := map[string]bool{}
	for p, e := range s.entries {
		if e.kind == link {
			seen[p] = true
		}
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			if seen[dir] {
				break
			}
			seen[dir] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// holds says whether a file of a fix lies in dir.
func (s *Submission) holds(dir string, k lab.Kind) bool {
	for p, e := range s.entries {
		if e.wanted(p, dir, k) {
			return true
		}
	}
	return false
}

// wanted says whether the entry at p is a file of a fix in dir. Hidden ones are
// an archiver's: "._main.go".
func (e entry) wanted(p, dir string, k lab.Kind) bool {
	base := path.Base(p)
	return path.Dir(p) == dir && e.kind != folder && k.Wants(base) && !strings.HasPrefix(base, ".") && !strings.Contains(base, "\x00")
}

// top is the folder below which everything is: archives are often made of one.
func (s *Submission) top() string {
	top := "."
	for {
		var only string
		for p, e := range s.entries {
			rest, below := p, true
			if top != "." {
				rest, below = strings.CutPrefix(p, top+"/")
			}
			first, _, deeper := strings.Cut(rest, "/")
			switch {
			case !below || foreign(first):
			case !deeper && e.kind != folder, only != "" && first != only:
				return top
			default:
				only = first
			}
		}
		if only == "" || only == "fix" {
			return top
		}
		top = path.Join(top, only)
	}
}

// foreign is what archivers and desktops leave in a folder.
func foreign(name string) bool { return name == "__MACOSX" || strings.HasPrefix(name, ".") }

// Ignored lists what no Take took. A folder of which nothing was taken is one line,
// with a slash at its end.
func (s *Submission) Ignored() []string {
	used := map[string]bool{".": true} // folders of which something was taken
	for p := range s.taken {
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			used[dir] = true
		}
	}
	seen := map[string]bool{}
	for p, e := range s.entries {
		if s.taken[p] || used[p] {
			continue
		}
		shown := p
		if e.kind == folder {
			shown += "/"
		}
		for dir := path.Dir(p); !used[dir]; dir = path.Dir(dir) {
			shown = dir + "/"
		}
		seen[shown] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// limited reads no more than maxFile + 1 bytes: enough to see that it is too large.
func limited(r io.Reader) ([]byte, error) {
	var b bytes.Buffer
	_, err := io.Copy(&b, io.LimitReader(r, maxFile+1))
	return b.Bytes(), err
}

func openFolder(name string) (map[string]entry, reader, error) {
	entries := map[string]entry{}
	err := within(name, func(root *os.Root) error {
		return fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
			switch {
			case p == ".":
				return err
			case err != nil && d == nil:
				return err
			case len(entries) == maxEntries:
				return unreadable("it holds more than %d files: leave out what does not belong to the fix", maxEntries)
			}
			entries[p] = entry{kind: kindOf(d.Type())}
			if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir // not ours to read, or no fix's place
			}
			return nil
		})
	})
	read := func(paths []string) (map[string][]byte, error) {
		texts := map[string][]byte{}
		err := within(name, func(root *os.Root) error {
			for _, p := range paths {
				info, err := root.Lstat(p) // before the opening, which would wait for a pipe's writer
				if err != nil || !info.Mode().IsRegular() {
					return fmt.Errorf("%s is not a plain file any more", p)
				}
				f, err := root.Open(p)
				if err == nil {
					texts[p], err = limited(f)
					f.Close()
				}
				if err != nil {
					return fmt.Errorf("%s can't be read: %w", p, err)
				}
			}
			return nil
		})
		return texts, err
	}
	return entries, read, err
}

func within(name string, do func(*os.Root) error) error {
	root, err := os.OpenRoot(name)
	if err != nil {
		return err
	}
	defer root.Close()
	return do(root)
}

func kindOf(mode fs.FileMode) kind {
	switch {
	case mode.IsDir():
		return folder
	case mode&fs.ModeSymlink != 0:
		return link
	case !mode.IsRegular():
		return other
	}
	return file
}
