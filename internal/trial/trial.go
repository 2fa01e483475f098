// Package trial runs a lab on a variant that lies in the lab's folder: it
// finds the folder, makes what a run needs beside the lab, and keeps the
// result. The commands and go test both go through it.
package trial

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/owner"
	"faultlab/internal/report"
)

// Seed is the seed of a run where nobody asks for another, so that learners
// can compare numbers with their brief and with each other.
const Seed = 20260101

// Options of a trial.
type Options struct {
	Variant string // "fix" if empty
	// Files were handed in from elsewhere: they are judged instead of a folder of
	// the lab's. A program of them is built in a module of its own, which has what
	// ours requires and no package of ours.
	Files   map[string]string
	Seed    uint64 // Seed if 0
	Sandbox bool   // confine programs
	Fresh   bool   // seed anew even where a snapshot exists
	Command string // run this in the variant's folder instead of building a program fix
	Show    func(lab.Event)
	Keep    bool // keep evidence and result under .faultlab, unless the run is dropped
	// Evidence is a folder to keep the evidence in instead, unless the run passes.
	Evidence string
}

// Root is the folder of the checkout that dir lies in: the nearest one above
// with faultlab's go.mod.
func Root(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		mod, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module faultlab\n") {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s is not inside a checkout of faultlab; run the command in the folder you cloned", dir)
		}
	}
}

// Dir is a lab's folder.
func Dir(root, name string) string { return filepath.Join(root, "labs", filepath.FromSlash(name)) }

// EnsureFix copies start/ to fix/ where there is no fix/ yet, and says whether
// it did. It never touches a fix/ that is there.
func EnsureFix(dir string) (made bool, err error) {
	to := filepath.Join(dir, "fix")
	if _, err := os.Lstat(to); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	// Copied beside it and renamed, so that a fix/ is whole or absent.
	tmp, err := os.MkdirTemp(dir, ".fix-*")
	if err != nil {
		return false, fmt.Errorf("make fix/: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := os.CopyFS(tmp, os.DirFS(filepath.Join(dir, "start"))); err != nil {
		return false, fmt.Errorf("copy start/ to fix/: %w", err)
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return false, err
	}
	if err := os.Rename(tmp, to); err != nil {
		return false, fmt.Errorf("make fix/: %w", err)
	}
	return true, nil
}

// Run judges a variant of l on fresh servers. The error is about the input (no
// such variant, a file missing), and a lab.Fault if the input was handed in;
// whatever happens later is in the result.
func Run(ctx context.Context, root string, l *lab.Lab, o Options) (*lab.Result, error) {
	if o.Variant == "" {
		o.Variant = "fix"
	}
	if o.Seed == 0 {
		o.Seed = Seed
	}
	if err := l.Validate(); err != nil {
		return nil, err
	}
	dir := Dir(root, l.Name)
	start, err := fix.Read(dir, "start", l.Fix)
	if err != nil {
		return nil, err
	}
	scratch, err := owner.Scratch()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	from := dir
	if o.Files != nil {
		if from, err = unpack(root, filepath.Join(scratch, "handed-in"), l.Name, o); err != nil {
			return nil, err
		}
	}
	var v lab.Variant
	if o.Command != "" {
		v, err = fix.Command(from, o.Variant, o.Command)
	} else {
		v, err = fix.Read(from, o.Variant, l.Fix)
	}
	if err != nil && o.Files != nil {
		return nil, lab.Blame(lab.ApplyCheck, err)
	}
	if err != nil {
		return nil, err
	}
	id, evidence := newID(), o.Evidence
	if o.Keep {
		evidence = filepath.Join(root, ".faultlab", filepath.FromSlash(l.Name), time.Now().UTC().Format("20060102-150405")+"-"+id)
	}
	if o.Sandbox && l.Fix.Program {
		start.Sandbox, v.Sandbox = id, id
	}
	res := l.Do(ctx, lab.Options{
		Env:      lab.Env{Dir: dir, ID: id, Scratch: scratch, Seed: o.Seed, Fresh: o.Fresh},
		Start:    start,
		Fix:      v,
		Show:     o.Show,
		Evidence: evidence,
	})
	if v.Command == nil {
		res.Change = fix.Diff(start, v)
	}
	if o.Keep && context.Cause(ctx) != lab.ErrDropped {
		// A result that can't be kept is no reason to withhold the verdict.
		_ = keep(evidence, res)
	}
	return res, nil
}

// unpack writes files that were handed in as a variant, in a module of their own
// in to, and returns what stands for the lab's folder there.
func unpack(root, to, name string, o Options) (string, error) {
	dir := Dir(to, name)
	if err := fix.Write(filepath.Join(dir, filepath.FromSlash(o.Variant)), o.Files); err != nil {
		return "", fmt.Errorf("unpack fix: %w", err)
	}
	for _, file := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, file))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the build will say it
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, file), text, 0o644)
		}
		if err != nil {
			return "", fmt.Errorf("unpack fix: %w", err)
		}
	}
	return dir, nil
}

// kept is how many runs of a lab stay under .faultlab.
const kept = 5

// keep writes the result beside its evidence and removes the oldest ones.
func keep(dir string, res *lab.Result) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "result.json"))
	if err != nil {
		return err
	}
	if err := report.JSON(f, res); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	parent := filepath.Dir(dir)
	latest := filepath.Join(parent, "latest")
	_ = os.Remove(latest)
	_ = os.Symlink(filepath.Base(dir), latest) // not on every system
	runs, err := filepath.Glob(filepath.Join(parent, "2*"))
	if err != nil {
		return err
	}
	for _, old := range runs[:max(0, len(runs)-kept)] { // names sort by time
		_ = os.RemoveAll(old)
	}
	return nil
}

// Last reads the newest result that was kept of the lab called name, or of all
// labs if name is empty, with the folder where its evidence is, if it has one.
// It is nil if there is none.
func Last(root, name string) (*lab.Result, error) {
	pattern := filepath.Join(root, ".faultlab", "*", "*")
	if name != "" {
		pattern = filepath.Join(root, ".faultlab", filepath.FromSlash(name))
	}
	files, err := filepath.Glob(filepath.Join(pattern, "2*", "result.json"))
	if err != nil || len(files) == 0 {
		return nil, err
	}
	run := func(file string) string { return filepath.Base(filepath.Dir(file)) } // begins with its time
	file := slices.MaxFunc(files, func(a, b string) int { return strings.Compare(run(a), run(b)) })
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("open result: %w", err)
	}
	defer f.Close()
	res, err := report.ReadJSON(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if res.Evidence != "" {
		res.Evidence = filepath.Dir(file) // the checkout may have moved
	}
	return res, nil
}

func newID() string {
	b := make([]byte, 4)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
