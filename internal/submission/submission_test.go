package submission

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"faultlab/internal/lab"
)

// item is an entry of an archive that is made here.
type item struct {
	name, text string
	kind       byte // tar's; 0 is a file
}

func file1(name, text string) item { return item{name: name, text: text} }

func tarOf(t testing.TB, items ...item) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, x := range items {
		h := &tar.Header{Name: x.name, Mode: 0o644, Typeflag: x.kind, Size: int64(len(x.text))}
		if x.kind == tar.TypeSymlink || x.kind == tar.TypeLink {
			h.Linkname, h.Size, x.text = x.text, 0, ""
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(x.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gz(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zipOf(t testing.TB, items ...item) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, x := range items {
		h := &zip.FileHeader{Name: x.name, Method: zip.Deflate}
		switch x.kind {
		case tar.TypeSymlink, tar.TypeLink:
			h.SetMode(fs.ModeSymlink | 0o777)
		case tar.TypeFifo:
			h.SetMode(fs.ModeNamedPipe | 0o644)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(x.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// everyForm opens the items as a folder, if they can be one, a zip, a tar and a tar.gz.
func everyForm(t *testing.T, items []item, do func(t *testing.T, s *Submission, err error)) {
	t.Helper()
	dir := t.TempDir()
	open := func(t *testing.T, name string, b []byte) {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := Open(p)
		do(t, s, err)
	}
	t.Run("zip", func(t *testing.T) { open(t, "alice.zip", zipOf(t, items...)) })
	t.Run("tar", func(t *testing.T) { open(t, "alice.tar", tarOf(t, items...)) })
	t.Run("tar.gz", func(t *testing.T) { open(t, "alice.tar.gz", gz(t, tarOf(t, items...))) })
	seen := map[string]bool{}
	for _, x := range items {
		if seen[x.name] || !fs.ValidPath(x.name) || x.kind == tar.TypeLink || x.kind == tar.TypeFifo || strings.Contains(x.name, `\`) {
			return
		}
		seen[x.name] = true
	}
	t.Run("folder", func(t *testing.T) {
		for _, x := range items {
			p := filepath.Join(dir, "alice", filepath.FromSlash(x.name))
			err := os.MkdirAll(filepath.Dir(p), 0o755)
			if x.kind == tar.TypeSymlink {
				err = errors.Join(err, os.Symlink(x.text, p))
			} else {
				err = errors.Join(err, os.WriteFile(p, []byte(x.text), 0o644))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		s, err := Open(filepath.Join(dir, "alice"))
		do(t, s, err)
	})
}

const at = "labs/mysql/x/fix/"

func TestTake(t *testing.T) {
	script, program := lab.Scripts("fix.sql", "my.cnf"), lab.Program()
	for _, c := range []struct {
		name    string
		kind    lab.Kind
		among   bool // other labs are asked for, too
		items   []item
		want    map[string]string
		folder  string
		ignored []string
		err     string
	}{
		{
			name: "a fork's checkout", kind: script, among: true,
			items: []item{
				file1("go.mod", "m"), file1("labs/mysql/x/lab.go", "l"), file1("labs/mysql/x/solution/fix.sql", "s"),
				file1(at+"fix.sql", "f"), file1(at+"my.cnf", "c"), file1(at+"notes.md", "n"), file1(at+"sub/fix.sql", "no"),
				file1("labs/mysql/y/fix/fix.sql", "y"), file1("internal/a/b.go", "g"), file1("internal/a/c.go", "g"),
			},
			want: map[string]string{"fix.sql": "f", "my.cnf": "c"}, folder: "labs/mysql/x/fix",
			ignored: []string{
				"go.mod", "internal/", "labs/mysql/x/fix/notes.md", "labs/mysql/x/fix/sub/", "labs/mysql/x/lab.go",
				"labs/mysql/x/solution/", "labs/mysql/y/",
			},
		},
		{
			name: "as a forge packs it", kind: script, among: true,
			items: []item{file1("faultlab-main/"+at+"fix.sql", "f"), file1("faultlab-main/go.mod", "m"), file1("__MACOSX/faultlab-main/"+at+"._fix.sql", "x")},
			want:  map[string]string{"fix.sql": "f"}, folder: "faultlab-main/labs/mysql/x/fix",
			ignored: []string{"__MACOSX/", "faultlab-main/go.mod"},
		},
		{
			name: "bare", kind: script, items: []item{file1("fix.sql", "f"), file1("Fix.sql", "F"), file1("start/fix.sql", "no")},
			want: map[string]string{"fix.sql": "f"}, folder: ".", ignored: []string{"Fix.sql", "start/"},
		},
		{
			name: "bare, in a folder", kind: program,
			items: []item{file1("hand-in/main.go", "m"), file1("hand-in/main_test.go", "t"), file1("hand-in/._main.go", "x"), file1(".DS_Store", "x"), file1("hand-in/go.mod", "g")},
			want:  map[string]string{"main.go": "m"}, folder: "hand-in",
			ignored: []string{".DS_Store", "hand-in/._main.go", "hand-in/go.mod", "hand-in/main_test.go"},
		},
		{
			name: "the lab's folder", kind: script, items: []item{file1("x/fix/fix.sql", "f"), file1("x/fix.sql", "no"), file1("x/start/fix.sql", "s")},
			want: map[string]string{"fix.sql": "f"}, folder: "x/fix", ignored: []string{"x/fix.sql", "x/start/"},
		},
		{
			name: "bare, one of several labs", kind: script, among: true, items: []item{file1("fix.sql", "f")},
			err: "there is no fix of mysql/x: that is fix.sql, my.cnf, in labs/mysql/x/fix",
		},
		{
			name: "no fix in a checkout", kind: script, items: []item{file1("labs/mysql/x/start/fix.sql", "f"), file1("fix.sql", "f")},
			err: "there is no fix of mysql/x: that is fix.sql, my.cnf, in labs/mysql/x/fix",
		},
		{
			name: "nothing of a fix", kind: program, items: []item{file1("readme.txt", "f")},
			err: "there is no fix of mysql/x: that is the .go files of one main package, in labs/mysql/x/fix or at the top",
		},
		{
			name: "two", kind: script, items: []item{file1("a/"+at+"fix.sql", "f"), file1("b/"+at+"fix.sql", "f")},
			err: "there are several fixes of mysql/x: a/labs/mysql/x/fix, b/labs/mysql/x/fix; leave one",
		},
		{
			name: "an entry twice", kind: script, items: []item{file1(at+"fix.sql", "f"), file1("./"+at+"fix.sql", "g")},
			err: "labs/mysql/x/fix/fix.sql is in the archive twice: leave one",
		},
		{
			name: "a link", kind: script, items: []item{{at + "fix.sql", "/etc/passwd", tar.TypeSymlink}},
			err: "labs/mysql/x/fix/fix.sql is a link: only plain files are taken",
		},
		{
			name: "a hard link", kind: script, items: []item{file1("secret", "s"), {at + "fix.sql", "secret", tar.TypeLink}},
			err: "labs/mysql/x/fix/fix.sql is a link: only plain files are taken",
		},
		{
			name: "a linked folder", kind: script, items: []item{file1("labs/mysql/x/solution/fix.sql", "s"), {"labs/mysql/x/fix", "solution", tar.TypeSymlink}},
			err: "labs/mysql/x/fix is a link: only plain folders are looked into",
		},
		{
			name: "a pipe", kind: script, items: []item{{at + "fix.sql", "", tar.TypeFifo}},
			err: "labs/mysql/x/fix/fix.sql is not a plain file",
		},
		{
			name: "large", kind: script, items: []item{file1(at+"fix.sql", strings.Repeat("x", maxFile+1))},
			err: "labs/mysql/x/fix/fix.sql is larger than 1 MiB: a fix is text that a person wrote",
		},
		{
			name: "many", kind: program, items: numbered(maxFiles+1, 1),
			err: "labs/mysql/x/fix holds 101 files of a fix: more than 100 are not read",
		},
		{
			name: "much", kind: program, items: numbered(5, maxFile),
			err: "labs/mysql/x/fix holds more than 4 MiB: a fix is text that a person wrote",
		},
		{
			name: "from Windows", kind: script, items: []item{file1(`hand-in\labs\mysql\x\fix\fix.sql`, "f"), file1(`hand-in\`, "")},
			want: map[string]string{"fix.sql": "f"}, folder: "hand-in/labs/mysql/x/fix",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			everyForm(t, c.items, func(t *testing.T, s *Submission, err error) {
				if err != nil {
					t.Fatal(err)
				}
				if s.Name != "alice" {
					t.Errorf("its name is %q", s.Name)
				}
				f, err := s.Take("mysql/x", c.kind, !c.among)
				if c.err != "" {
					if err == nil || err.Error() != c.err {
						t.Errorf("error %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, f.Files); diff != "" || f.Folder != c.folder {
					t.Errorf("folder %q, files %s", f.Folder, diff)
				}
				if diff := cmp.Diff(c.ignored, s.Ignored()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func numbered(n, size int) (items []item) {
	for i := range n {
		items = append(items, file1(fmt.Sprintf("%sf%03d.go", at, i), strings.Repeat("x", size)))
	}
	return items
}

// An archive that tries to get out, or is not what it says, is refused whole.
func TestRefused(t *testing.T) {
	deep := strings.Repeat("a/", maxDepth+1) + "x"
	many := make([]item, maxEntries+1)
	for i := range many {
		many[i].name = fmt.Sprint(i)
	}
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"up", tarOf(t, file1("../../etc/passwd", "x")), `the archive is refused: its entry "../../etc/passwd" leads out of it`},
		{"up, in the middle", zipOf(t, file1("a/../../x", "x")), `leads out of it`},
		{"absolute", tarOf(t, file1("/etc/passwd", "x")), `leads out of it`},
		{"up, on Windows", zipOf(t, file1(`..\x`, "x")), `leads out of it`},
		{"a drive", zipOf(t, file1(`C:\x`, "x")), `leads out of it`},
		{"deep", tarOf(t, file1(deep, "x")), "the archive is refused: its folders lie more than 40 deep"},
		{"many, zip", zipOf(t, many...), "the archive is refused: it holds more than 50000 files"},
		{"many, tar", gz(t, tarOf(t, many...)), "the archive is refused: it holds more than 50000 files"},
		{"nothing like it", []byte("hello"), "it is neither a folder nor a zip, tar or tar.gz file"},
		{"empty", nil, "it is neither a folder nor a zip, tar or tar.gz file"},
		{"cut zip", zipOf(t, file1(at+"fix.sql", "x"))[:60], "the zip file is damaged: "},
		{"cut tar", tarOf(t, file1(at+"fix.sql", strings.Repeat("x", 2000)))[:1024], "the archive is damaged: "},
		{"cut gzip", gz(t, tarOf(t, file1(at+"fix.sql", "x")))[:30], "the archive is damaged: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := filepath.Join(t.TempDir(), "x")
			if err := os.WriteFile(p, c.b, 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := Open(p)
			var u *Unreadable
			if !errors.As(err, &u) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// zeros is a bomb: 1,000 times as large unpacked.
func TestBomb(t *testing.T) {
	if testing.Short() {
		t.Skip("compresses half a gigabyte")
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	const size = maxExpanded + 1
	if err := w.WriteHeader(&tar.Header{Name: at + "fix.sql", Mode: 0o644, Size: size}); err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range maxExpanded >> 20 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Write(zeros[:1]); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	_, _, err = openArchive(b.Bytes())
	if err == nil || err.Error() != "the archive is refused: unpacked it is larger than 512 MiB" {
		t.Error(err)
	}
	// In a zip only what is wanted is unpacked, and no more of it than is allowed.
	var out bytes.Buffer
	zw := zip.NewWriter(&out)
	f, err := zw.Create(at + "fix.sql")
	if err != nil {
		t.Fatal(err)
	}
	for range 64 {
		if _, err := f.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	_, read, err := openArchive(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := read([]string{at + "fix.sql"}); err != nil || len(got[at+"fix.sql"]) != maxFile+1 {
		t.Errorf("%d bytes, %v", len(got[at+"fix.sql"]), err)
	}
}

func TestOpenWhatIsNotThere(t *testing.T) {
	var u *Unreadable
	if _, err := Open(filepath.Join(t.TempDir(), "no")); err == nil || errors.As(err, &u) {
		t.Error(err)
	}
	large := filepath.Join(t.TempDir(), "large.zip")
	if err := os.WriteFile(large, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, maxArchive+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(large); !errors.As(err, &u) || !strings.HasSuffix(err.Error(), "is larger than 32 MiB: leave out what does not belong to the fix") {
		t.Error(err)
	}
}

func TestDigest(t *testing.T) {
	a := Fix{Files: map[string]string{"a": "1", "b": "2"}}
	b := Fix{Folder: "elsewhere", Files: map[string]string{"b": "2", "a": "1"}}
	c := Fix{Files: map[string]string{"a": "1\n\"b\" 1\n2"}}
	if a.Digest() != b.Digest() || a.Digest() == c.Digest() {
		t.Error(a.Digest(), b.Digest(), c.Digest())
	}
}

// Whatever somebody hands in: no panic, nothing outside, everything within bounds.
func FuzzArchive(f *testing.F) {
	good := []item{file1(at+"fix.sql", "SELECT 1"), file1("go.mod", "module m"), {"l", "go.mod", tar.TypeSymlink}, {"labs/", "", tar.TypeDir}}
	f.Add(zipOf(f, good...))
	f.Add(tarOf(f, good...))
	f.Add(gz(f, tarOf(f, good...)))
	f.Add(tarOf(f, file1("../x", "x")))
	f.Add(zipOf(f, file1(`..\x`, "x"), file1("/x", "x")))
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, read, err := openArchive(b)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
			return
		}
		if len(entries) > maxEntries {
			t.Fatalf("%d entries", len(entries))
		}
		for p := range entries {
			if !fs.ValidPath(p) || !filepath.IsLocal(p) || strings.Count(p, "/") > maxDepth {
				t.Errorf("path %q", p)
			}
		}
		for _, k := range []lab.Kind{lab.Scripts("fix.sql"), lab.Program()} {
			s := &Submission{entries: entries, read: read, taken: map[string]bool{}}
			fix, err := s.Take("mysql/x", k, true)
			s.Ignored()
			if err != nil {
				continue
			}
			if len(fix.Files) == 0 || len(fix.Files) > maxFiles {
				t.Errorf("%d files", len(fix.Files))
			}
			for name, text := range fix.Files {
				if !k.Wants(name) || strings.ContainsAny(name, `/\`) || len(text) > maxFile {
					t.Errorf("file %q of %d bytes", name, len(text))
				}
			}
		}
	})
}

// A path stays in the archive, or the archive is refused.
func FuzzPath(f *testing.F) {
	for _, p := range []string{"a", "../a", "/a", `C:\a`, `\\host\a`, "a/./b", "a//b", "./a/", "a\x00b", "\xff", "..", ""} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		got, err := listing{}.add(p, file)
		if err == nil && got != "" && (!fs.ValidPath(got) || !filepath.IsLocal(got) || strings.Contains(got, `\`)) {
			t.Errorf("%q became %q", p, got)
		}
	})
}
