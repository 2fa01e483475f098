package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moby/moby/client"
)

// registry is how the engine of a test reaches one.
type registry func(w http.ResponseWriter)

// fake is an engine that knows images by name only.
type fake struct {
	mu     sync.Mutex
	images map[string]string // name to id
	calls  []string
	pulls  registry
}

// start serves the engine's API and returns a client of it.
func (f *fake) start(t *testing.T) *client.Client {
	f.images = map[string]string{}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	t.Cleanup(func() { unreachable.Store(false) })
	unreachable.Store(false)
	host := "tcp://" + srv.Listener.Addr().String()
	t.Setenv("DOCKER_HOST", host)
	c, err := client.New(client.WithHost(host))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", "1.41")
	_, path, _ := strings.Cut(r.URL.Path, "/images")
	q := r.URL.Query()
	switch {
	case strings.HasSuffix(r.URL.Path, "/_ping"):
	case path == "/create" && q.Get("fromSrc") != "":
		n, err := io.Copy(io.Discard, r.Body)
		f.note("import %d bytes, %s", n, q["changes"])
		if err == nil {
			f.put("sha256:imported", "sha256:imported")
			fmt.Fprintln(w, `{"status":"sha256:imported"}`)
		}
	case path == "/create":
		ref := strings.TrimPrefix(q.Get("fromImage"), "docker.io/library/")
		f.note("pull %s %s", ref, q.Get("tag"))
		f.pulls(w)
		f.put(strings.TrimSuffix(ref+"@"+q.Get("tag"), "@"), "sha256:pulled")
	case strings.HasSuffix(path, "/tag"):
		name := q.Get("repo") + ":" + q.Get("tag")
		f.note("tag %s", name)
		f.put(strings.TrimPrefix(name, "docker.io/library/"), "sha256:tagged")
		f.put(strings.TrimPrefix(name, "docker.io/"), "sha256:tagged")
		w.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodDelete:
		name := strings.TrimPrefix(path, "/")
		f.note("remove %s", name)
		if name == "mysql:9.7.2" {
			http.Error(w, `{"message":"no such image"}`, http.StatusNotFound)
			return
		}
		fmt.Fprintln(w, "[]")
	case path == "/json":
		f.note("list %s", q.Get("filters"))
		fmt.Fprintln(w, `[{"Id":"1","RepoTags":["faultlab/test:old"]},{"Id":"2","RepoTags":["faultlab/test:new"]}]`)
	case strings.HasSuffix(path, "/json"):
		f.mu.Lock()
		id, ok := f.images[strings.Trim(strings.TrimSuffix(path, "/json"), "/")]
		f.mu.Unlock()
		if !ok {
			http.Error(w, `{"message":"no such image"}`, http.StatusNotFound)
			return
		}
		fmt.Fprintf(w, `{"Id":%q,"Size":1000000,"Config":{"Labels":{%q:"9.7.9"}}}`, id, labelVersion)
	default:
		http.Error(w, `{"message":"what?"}`, http.StatusInternalServerError)
	}
}

func (f *fake) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fake) put(name, id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.images[name] = id
}

func (f *fake) did(t *testing.T, want ...string) {
	t.Helper()
	if got := strings.Join(f.calls, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("the engine was asked to\n%s\nnot to\n%s", got, strings.Join(want, "\n"))
	}
}

const digest97 = "sha256:0123456789012345678901234567890123456789012345678901234567890123"

var entry = Entry{Server: "test", Official: "mysql:9.7.2", Version: "9.7.2", Digest: digest97, From: "9.7", To: "9.8"}

func TestPullByDigest(t *testing.T) {
	f := fake{pulls: func(w http.ResponseWriter) {
		fmt.Fprintln(w, `{"status":"Pulling from library/mysql"}`)
		fmt.Fprintln(w, `{"status":"Pull complete","id":"1"}`)
	}}
	img, err := entry.pull(t.Context(), f.start(t), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if img.Origin != Official || img.Version != "9.7.2" || img.Name != "mysql:9.7.2" {
		t.Errorf("pulled %+v", img)
	}
	f.did(t, "pull mysql "+digest97, "tag docker.io/library/mysql:9.7.2")
}

func TestRegistryOutOfReach(t *testing.T) {
	f := fake{pulls: func(w http.ResponseWriter) {
		http.Error(w, `{"message":"dial tcp: no such host"}`, http.StatusInternalServerError)
	}}
	c := f.start(t)
	for range 2 { // the second time nobody is asked
		if _, err := entry.pull(t.Context(), c, t.Logf); err == nil {
			t.Fatal("pulled from nowhere")
		}
	}
	f.did(t, "pull mysql "+digest97)
}

// A registry that lacks one image may have the next.
func TestImageNotInRegistry(t *testing.T) {
	f := fake{pulls: func(w http.ResponseWriter) {
		http.Error(w, `{"message":"manifest unknown"}`, http.StatusNotFound)
	}}
	if _, err := entry.pull(t.Context(), f.start(t), t.Logf); err == nil || !strings.Contains(err.Error(), "manifest unknown") {
		t.Errorf("pulled: %v", err)
	}
	if unreachable.Load() {
		t.Error("the registry counts as out of reach")
	}
}

func TestPullFailsHalfway(t *testing.T) {
	f := fake{pulls: func(w http.ResponseWriter) {
		fmt.Fprintln(w, `{"status":"Pulling from library/mysql"}`)
		fmt.Fprintln(w, `{"errorDetail":{"message":"unexpected EOF"},"error":"unexpected EOF"}`)
	}}
	if _, err := entry.pull(t.Context(), f.start(t), t.Logf); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("pulled: %v", err)
	}
	if unreachable.Load() {
		t.Error("the registry counts as out of reach")
	}
}

func TestSilentRegistry(t *testing.T) {
	ended := make(chan struct{})
	f := fake{pulls: func(http.ResponseWriter) { <-ended }}
	c := f.start(t)
	defer close(ended)
	err := fetch(t.Context(), c, "mysql:9.7.2", 50*time.Millisecond, t.Logf)
	if err == nil || !strings.Contains(err.Error(), "did not answer within 50ms") {
		t.Errorf("fetched: %v", err)
	}
	if !unreachable.Load() {
		t.Error("the registry does not count as out of reach")
	}
}

// recipeOf makes the recipe of entry from a script.
func recipeOf(script string) fstest.MapFS {
	return fstest.MapFS{"test/build.sh": {Data: []byte(script)}}
}

func TestBuild(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	left := filepath.Join(os.TempDir(), fmt.Sprintf("faultlab-%d-test-left", os.Getuid()))
	if err := os.MkdirAll(filepath.Join(left, "root"), 0o755); err != nil {
		t.Fatal(err)
	}
	var f fake
	c := f.start(t)
	var said []string
	log := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	img, err := entry.run(t.Context(), c, recipeOf(`echo "packing it" >&2; echo 9.7.9 >"$VERSION_FILE"; printf 12345`), log)
	if err != nil {
		t.Fatal(err)
	}
	if img.Origin != Local || img.Version != "9.7.9" || !strings.HasPrefix(img.Name, "faultlab/test:") {
		t.Errorf("built %+v", img)
	}
	if len(said) < 3 || said[1] != "test: packing it" {
		t.Errorf("said %q", said)
	}
	if files, err := os.ReadDir(os.TempDir()); err != nil || len(files) > 0 {
		t.Errorf("there are left %v, %v", files, err)
	}
	f.did(t, "import 5 bytes, [LABEL faultlab.server=test LABEL faultlab.version=9.7.9]", "tag docker.io/"+entry.name(Local))
}

// A build was killed, and its recipe goes on writing.
func TestBuildAfterAKilledOne(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	left := filepath.Join(os.TempDir(), fmt.Sprintf("faultlab-%d-test-left", os.Getuid()))
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	hold, err := os.Create(filepath.Join(left, held))
	if err != nil {
		t.Fatal(err)
	}
	recipe := exec.Command("cat") // until its input ends
	input, err := recipe.StdinPipe()
	if err == nil {
		err = share(recipe, hold)
	}
	if err == nil {
		err = recipe.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer recipe.Wait()
	defer input.Close()
	if err := hold.Close(); err != nil { // the process that was killed
		t.Fatal(err)
	}
	var f fake
	waited := false
	_, err = entry.run(t.Context(), f.start(t), recipeOf(`echo 9.7.9 >"$VERSION_FILE"; printf 12345`), func(format string, _ ...any) {
		if strings.HasPrefix(format, "waiting for what a killed build") {
			waited = true
			if _, err := os.Stat(left); err != nil {
				t.Errorf("its folder went while it was at work: %v", err)
			}
			_ = input.Close()
		}
	})
	if err != nil || !waited {
		t.Errorf("built: %v; waited: %t", err, waited)
	}
	if files, err := os.ReadDir(os.TempDir()); err != nil || len(files) > 0 {
		t.Errorf("there are left %v, %v", files, err)
	}
}

func TestBuildFails(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		want   string
		calls  []string
	}{
		"before the archive": {`echo "no such mirror" >&2; exit 1`, "exit status 1: no such mirror", nil},
		"with a log":         {`printf 'reading\nno space\n' >&2; echo "unpack: tar says why" >&2; exit 1`, "exit status 1: unpack: tar says why\nreading\nno space", nil},
		"with nothing said":  {`exit 1`, "recipe of test: exit status 1", nil},
		"within the archive": {`echo 9.7.9 >"$VERSION_FILE"; printf 12345; echo "disk full" >&2; exit 2`, "exit status 2: disk full", []string{
			"import 5 bytes, [LABEL faultlab.server=test LABEL faultlab.version=9.7.9]", "remove sha256:imported",
		}},
		"no version": {`printf 12345`, "read version", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var f fake
			_, err := entry.run(t.Context(), f.start(t), recipeOf(c.script), t.Logf)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("built: %v", err)
			}
			f.did(t, c.calls...)
		})
	}
}

// The end of the context ends what the recipe has started, and lets it clean up.
func TestBuildIsCancelled(t *testing.T) {
	var f fake
	c := f.start(t)
	mark := filepath.Join(t.TempDir(), "mark")
	ctx, cancel := context.WithCancel(t.Context())
	script := `trap 'rm "` + mark + `"; exit' TERM; touch "` + mark + `"; echo ready >&2; while :; do sleep 0.05; done`
	_, err := entry.run(ctx, c, recipeOf(script), func(format string, args ...any) {
		if strings.HasSuffix(fmt.Sprintf(format, args...), "ready") {
			cancel()
		}
	})
	if err == nil {
		t.Error("built")
	}
	if _, err := os.Stat(mark); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the recipe did not clean up: %v", err)
	}
}

func TestRemove(t *testing.T) {
	var f fake
	var said []string
	err := entry.remove(t.Context(), f.start(t), func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
	if err != nil {
		t.Fatal(err)
	}
	f.did(t, `list {"reference":{"faultlab/test":true}}`, "remove mysql:9.7.2", "remove faultlab/test:old", "remove faultlab/test:new")
	if got := strings.Join(said, ", "); got != "removed faultlab/test:old, removed faultlab/test:new" {
		t.Errorf("said %q", got)
	}
}

// Two processes do not get the same image at the same time.
func TestLock(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	unlock, err := entry.lock(t.Context(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := ""
	if _, err := entry.lock(ctx, func(format string, args ...any) {
		waiting = fmt.Sprintf(format, args...)
		cancel()
	}); err == nil {
		t.Error("locked twice")
	}
	if waiting != "another process is getting the image of test: waiting for it" {
		t.Errorf("said %q", waiting)
	}
	unlock()
	if unlock, err = entry.lock(t.Context(), t.Logf); err != nil {
		t.Fatal(err)
	}
	unlock()
}
