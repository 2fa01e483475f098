package docker

import (
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
)

func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range Table {
		if seen[e.Server] {
			t.Errorf("%s is there twice", e.Server)
		}
		seen[e.Server] = true
		ref, err := reference.ParseNormalizedNamed(e.Official)
		if err != nil {
			t.Errorf("%s: %v", e.Official, err)
		} else if _, ok := ref.(reference.Tagged); !ok {
			t.Errorf("%s has no tag", e.Official)
		}
		if e.Digest != "" {
			if err := digest.Digest(e.Digest).Validate(); err != nil {
				t.Errorf("%s: %v", e.Server, err)
			}
		}
		if err := e.proved(Image{Version: e.Version}); err != nil {
			t.Error(err)
		}
		if _, err := fs.Stat(recipes, e.Server+"/build.sh"); err != nil {
			t.Errorf("%s has no recipe: %v", e.Server, err)
		}
	}
}

func TestRecipesAreShell(t *testing.T) {
	files, err := fs.Glob(recipes, "*/build.sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(files, "recipe.sh", "unpack.sh") {
		if out, err := exec.Command("sh", "-n", filepath.FromSlash(f)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", f, err, out)
		}
	}
}

func TestRecipeHash(t *testing.T) {
	e := Entry{Server: "a"}
	files := func(change string) fstest.MapFS {
		m := fstest.MapFS{}
		for _, name := range []string{"recipe.sh", "unpack.sh", "a/build.sh", "a/conf", "b/build.sh", "README.md"} {
			m[name] = &fstest.MapFile{Data: []byte(name)}
		}
		if change != "" {
			m[change] = &fstest.MapFile{Data: []byte("changed")}
		}
		return m
	}
	was := e.hash(files(""))
	if was != e.hash(files("")) {
		t.Error("the same files have two hashes")
	}
	for _, part := range []string{"recipe.sh", "unpack.sh", "a/build.sh", "a/conf", "a/new"} {
		if e.hash(files(part)) == was {
			t.Errorf("another %s is the same image", part)
		}
	}
	for _, other := range []string{"b/build.sh", "b/new", "README.md"} {
		if e.hash(files(other)) != was {
			t.Errorf("another %s is another image", other)
		}
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"9.7", "9.7", 0}, {"9.7", "9.7.0", 0}, {"9.7.4", "9.7", 1}, {"9.10", "9.9", 1},
		{"26.7.2.1", "26.8", -1}, {"8.0.6", "9", -1}, {"", "0.1", -1},
	} {
		if got := compare(c.a, c.b); (got > 0) != (c.want > 0) || (got < 0) != (c.want < 0) {
			t.Errorf("compare(%q, %q) = %d, want the sign of %d", c.a, c.b, got, c.want)
		}
	}
}

func TestVersionOutsideOfRange(t *testing.T) {
	e := Entry{Server: "mysql", From: "9.7", To: "9.8"}
	for _, v := range []string{"9.8.0", "9.6.9", "10.1", ""} {
		err := e.proved(Image{Server: "mysql", Name: "faultlab/mysql:x", Version: v})
		if err == nil || !strings.Contains(err.Error(), "LAB_ANY_VERSION=1") {
			t.Errorf("%q: %v does not say how to go on", v, err)
		}
	}
	t.Setenv("LAB_ANY_VERSION", "1")
	if err := e.proved(Image{Version: "10.1"}); err != nil {
		t.Errorf("with LAB_ANY_VERSION=1: %v", err)
	}
}

func TestSentences(t *testing.T) {
	t.Setenv("LAB_IMAGES", "oficial")
	if _, err := Ensure(t.Context(), "mysql", t.Logf); err == nil || err.Error() != "LAB_IMAGES=oficial: it must be auto, official or local" {
		t.Errorf("wrong LAB_IMAGES: %v", err)
	}
	t.Setenv("LAB_IMAGES", "")
	if _, err := Ensure(t.Context(), "mongo", t.Logf); err == nil || err.Error() != `no server "mongo": there are mysql, redis, kafka, clickhouse` {
		t.Errorf("unknown server: %v", err)
	}
	t.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
	if _, err := Ensure(t.Context(), "mysql", t.Logf); err == nil || !strings.Contains(err.Error(), "no Docker engine answers at unix:///nowhere/docker.sock, which DOCKER_HOST names") {
		t.Errorf("no engine: %v", err)
	}
}

// The image that a first Ensure got is found by the second, at once.
func TestEnsureFindsWhatIsHere(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a Docker engine")
	}
	first, err := Ensure(t.Context(), "redis", t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	again, err := Ensure(t.Context(), "redis", func(format string, args ...any) {
		t.Errorf("with the image here: "+format, args...)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("Ensure of an image that is here: %v", time.Since(begun))
	if again != first {
		t.Errorf("Ensure returns %+v, then %+v", first, again)
	}
	if first.ID == "" || first.Size == 0 || first.Created.IsZero() || compare(first.Version, "8") < 0 {
		t.Errorf("the image lacks something: %+v", first)
	}
	all, err := List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2*len(Table) {
		t.Errorf("%d images listed for %d servers", len(all), len(Table))
	}
	found := false
	for _, img := range all {
		found = found || img == first
		if img.Name == "" || img.Server == "" || img.Origin == "" {
			t.Errorf("a row lacks something: %+v", img)
		}
	}
	if !found {
		t.Errorf("the list lacks %+v", first)
	}
}
