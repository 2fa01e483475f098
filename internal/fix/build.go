package fix

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/quote"
	"faultlab/internal/whole"
)

// buildLimit is wide: the first build on a machine compiles the drivers too.
const buildLimit = 3 * time.Minute

// keptBinaries is how many binaries the cache holds; each is some 10 MB.
const keptBinaries = 30

// Program is what a variant's process is started from.
type Program struct {
	argv []string
	dir  string // where it runs, or keeps what it needs
	run  string // what it is confined for; empty: it is not
}

// Build compiles the variant's main package into scratch. A compile error is
// a lab.Fault with the compiler's own words. The binary is kept in the user's
// cache, so that the next run of the same source does not even link. A
// variant with a Command is not built.
func Build(ctx context.Context, v lab.Variant, scratch string) (*Program, error) {
	if len(v.Command) > 0 {
		if v.Sandbox != "" {
			return nil, fmt.Errorf("build %s: a command line can't be confined", v.Name)
		}
		return command(v)
	}
	dir, err := filepath.Abs(v.Dir)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", v.Name, err)
	}
	mod, err := moduleOf(dir)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", v.Name, err)
	}
	cached := ""
	if key := mod.key(v); key != "" {
		if cache, err := Cache(); err == nil {
			cached = filepath.Join(cache, key+exe)
		}
	}
	if now := time.Now(); cached != "" && os.Chtimes(cached, now, now) == nil && os.Chmod(cached, 0o755) == nil {
		return &Program{argv: []string{cached}, dir: scratch, run: v.Sandbox}, nil
	}
	// Not by the variant's name, which a program could see, and behave by.
	bin := filepath.Join(scratch, fmt.Sprintf("program-%x", rand.Uint64())+exe)
	if err := mod.build(ctx, v, dir, bin); err != nil {
		return nil, err
	}
	if err := os.Chmod(bin, 0o755); err != nil { // another user runs it in a sandbox
		return nil, fmt.Errorf("build %s: %w", v.Name, err)
	}
	keep(bin, cached)
	return &Program{argv: []string{bin}, dir: scratch, run: v.Sandbox}, nil
}

// Cache is the folder of built programs; it may be removed at any time that
// no lab runs.
func Cache() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find cache: %w", err)
	}
	return filepath.Join(base, "faultlab", "programs"), nil
}

// keep copies bin into the cache and removes the binaries that were not used
// for the longest time. A cache that can't be written costs only time.
func keep(bin, cached string) {
	if cached == "" || os.MkdirAll(filepath.Dir(cached), 0o700) != nil {
		return
	}
	src, err := os.Open(bin)
	if err != nil {
		return
	}
	defer src.Close()
	err = whole.Write(cached, 0o755, func(w io.Writer) error {
		_, err := io.Copy(w, src)
		return err
	})
	if err != nil {
		return
	}
	entries, _ := os.ReadDir(filepath.Dir(cached))
	var all []os.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			all = append(all, info)
		}
	}
	slices.SortFunc(all, func(a, b os.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for i, info := range all {
		if i >= keptBinaries {
			os.Remove(filepath.Join(filepath.Dir(cached), info.Name()))
		}
	}
}

// module is the Go module that a variant is built in.
type module struct {
	root     string
	path     string
	mod, sum []byte
}

var moduleRE = regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)`)

func moduleOf(dir string) (module, error) {
	for root := dir; ; root = filepath.Dir(root) {
		mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
		if err == nil {
			m := module{root: root, mod: mod}
			if name := moduleRE.FindSubmatch(mod); name != nil {
				m.path = string(name[1])
			}
			m.sum, _ = os.ReadFile(filepath.Join(root, "go.sum")) // none without requirements
			return m, nil
		}
		if root == filepath.Dir(root) {
			return module{}, fmt.Errorf("%s is in no Go module", dir)
		}
	}
}

// key names the binary by all that goes into it; empty if that can't be told
// from here, because it imports packages of the module itself.
func (m module) key(v lab.Variant) string {
	h := sha256.New()
	fmt.Fprintf(h, "static %s %s %s %d %d\n%s%s", runtime.Version(), runtime.GOOS, runtime.GOARCH, len(m.mod), len(m.sum), m.mod, m.sum)
	for _, name := range slices.Sorted(maps.Keys(v.Files)) {
		text := v.Files[name]
		fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
		f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			return ""
		}
		for _, i := range f.Imports {
			path := strings.Trim(i.Path.Value, "`\"")
			if path == "embed" || path == m.path || strings.HasPrefix(path, m.path+"/") {
				return ""
			}
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:16])
}

// build runs the compiler in the module's root, so that paths in its messages
// are short. Requirements stay as they are: a fix works with what go.mod lists.
// Nothing of a program runs while it is built: there is no cgo, and what go.mod
// says is ours.
func (m module) build(ctx context.Context, v lab.Variant, dir, bin string) error {
	c, err := newCompiler(ctx, m, v.Sandbox != "", filepath.Dir(bin))
	if err != nil {
		return fmt.Errorf("build %s: %w", v.Name, err)
	}
	rel, err := filepath.Rel(m.root, dir)
	if err != nil {
		return fmt.Errorf("build %s: %w", v.Name, err)
	}
	rel = filepath.ToSlash(rel)
	within, cancel := context.WithTimeout(ctx, buildLimit)
	defer cancel()
	text, err := c.build(within, "./"+rel, bin)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil, within.Err() != nil && !c.strange: // an interruption, or a slow machine's fault
		return fmt.Errorf("build %s: %w", v.Name, errors.Join(context.Cause(within),
			lab.Invalidf("%s was not compiled in time: run the lab again when the machine is less busy", v.Name)))
	case !c.strange && m.ours(text, rel), c.strange && !c.works(ctx):
		return fmt.Errorf("build %s: %w\n%s", v.Name, err, quote.Tail(text, 20))
	case within.Err() != nil:
		return lab.Blame(lab.ApplyCheck, fmt.Errorf("%s was not compiled within %s", v.Name, buildLimit))
	default:
		return lab.Blame(lab.ApplyCheck, fmt.Errorf("%s does not compile:\n%s", v.Name, quote.Head(m.shorten(text, dir, rel), maxComplaint)))
	}
}

// maxComplaint is how many lines of the compiler's are shown; it stops after ten
// mistakes, some of which take more than a line.
const maxComplaint = 50

// ours says whether the build broke on the machine and not on the source, which
// is nobody's who would make it look so: what the compiler holds against the source
// names its folder.
func (m module) ours(text, rel string) bool {
	for _, machine := range []string{"no space left on device", ": Get \"http", "permission denied", "cannot find GOROOT"} {
		if strings.Contains(text, machine) {
			return true
		}
	}
	return !strings.Contains(text, rel)
}

// shorten takes the way to the variant's folder out of the compiler's messages.
func (m module) shorten(text, dir, rel string) string {
	var lines []string
	for l := range strings.Lines(text) {
		if !strings.HasPrefix(l, "# ") {
			lines = append(lines, l)
		}
	}
	short := strings.NewReplacer(dir+string(filepath.Separator), "", dir, ".", rel+"/", "", filepath.FromSlash(rel)+`\`, "")
	return short.Replace(strings.Join(lines, ""))
}

// command makes a program of a command line.
func command(v lab.Variant) (*Program, error) {
	dir, err := filepath.Abs(v.Dir)
	if err != nil {
		return nil, fmt.Errorf("find program: %w", err)
	}
	name := v.Command[0]
	if strings.ContainsRune(name, '/') && !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, lab.Blame(lab.ApplyCheck, fmt.Errorf("find program: %w", err))
	}
	return &Program{argv: append([]string{path}, v.Command[1:]...), dir: dir}, nil
}
