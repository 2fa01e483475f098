package rig

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"faultlab/docker"
	"faultlab/internal/lab"
	"faultlab/internal/owner"
)

// image is the test server's, made once by TestMain.
var image docker.Image

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		child()
	}
	e, err := connect(context.Background())
	if err == nil {
		image, err = makeImage(e)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	e.api.ImageRemove(context.Background(), image.Name, client.ImageRemoveOptions{Force: true})
	os.Exit(status)
}

// makeImage builds testdata/server into an image that holds nothing else.
func makeImage(e *daemon) (docker.Image, error) {
	dir, err := os.MkdirTemp("", "rigtest")
	if err != nil {
		return docker.Image{}, err
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "server")
	cmd := exec.Command("go", "build", "-trimpath", "-o", bin, "./testdata/server")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		return docker.Image{}, fmt.Errorf("build test server: %w\n%s", err, out)
	}
	b, err := os.ReadFile(bin)
	if err != nil {
		return docker.Image{}, err
	}
	var t bytes.Buffer
	w := tar.NewWriter(&t)
	w.WriteHeader(&tar.Header{Name: "server", Mode: 0o755, Size: int64(len(b))})
	w.Write(b)
	w.Close()
	// Two test processes at a time must not remove each other's image.
	name := fmt.Sprintf("faultlab/rigtest:%x-%d", sha256.Sum256(b), os.Getpid())
	ctx := context.Background()
	res, err := e.api.ImageImport(ctx, client.ImageImportSource{Source: &t, SourceName: "-"}, name, client.ImageImportOptions{})
	if err != nil {
		return docker.Image{}, err
	}
	io.Copy(io.Discard, res)
	res.Close()
	info, err := e.api.ImageInspect(ctx, name)
	if err != nil {
		return docker.Image{}, err
	}
	return docker.Image{Server: "test", Origin: docker.Local, Name: name, ID: info.ID, Version: "1.0", Size: info.Size}, nil
}

// server is the test server as the rig sees it.
type server struct {
	name   string
	args   []string
	same   bool
	env    map[string]string
	files  []File
	knows  bool // give it a file "port" that says its host port
	secret bool // pass it Secret("password")
	rig    *Rig
	node   *Node
	closed int
	ready  func(context.Context) error // instead of asking it
}

const port = 7000

func (s *server) Name() string   { return s.name }
func (s *server) Engine() string { return "test" }
func (s *server) Spec(img docker.Image, at func(int) int) Spec {
	listen := port
	if s.same {
		listen = at(port)
	}
	spec := Spec{
		Cmd:   append([]string{"/server", "-listen", fmt.Sprintf(":%d", listen)}, s.args...),
		Ports: []int{port}, Same: s.same, Env: s.env, Files: s.files,
	}
	if s.knows {
		spec.Files = []File{{Path: "/data/port", Text: fmt.Sprint(at(port))}}
	}
	if s.secret {
		spec.Env = map[string]string{"PASSWORD": s.rig.Secret("password")}
	}
	return spec
}

func (s *server) Ready(ctx context.Context, n *Node) error {
	if s.ready != nil {
		return s.ready(ctx)
	}
	_, err := s.try(ctx, "/ping", nil)
	return err
}
func (s *server) Evidence(context.Context) map[string]string {
	return map[string]string{"words.txt": "from the server\n"}
}
func (s *server) Close() error { s.closed++; return nil }

// try asks the server over its published port, by a connection of its own.
func (s *server) try(ctx context.Context, path string, q url.Values) (string, error) {
	return get(ctx, "http://"+s.node.Addr(port)+path+"?"+q.Encode())
}

func get(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(b)))
	}
	return string(b), err
}

func (s *server) ask(t *testing.T, path string, q url.Values) string {
	t.Helper()
	out, err := s.try(t.Context(), path, q)
	if err != nil {
		t.Fatalf("%s%s: %v", s.name, path, err)
	}
	return out
}

// newRig makes a rig of test servers with locks of its own, which is stopped
// and found to have left nothing when the test ends.
func newRig(t *testing.T, env lab.Env, servers ...*server) *Rig {
	t.Helper()
	if env.Lab == "" {
		env.Lab = "test/" + t.Name()
	}
	if env.Log == nil {
		env.Log = t.Logf
	}
	r := New(env)
	r.state = t.TempDir()
	r.ensure = func(context.Context, string, func(string, ...any)) (docker.Image, error) { return image, nil }
	for _, s := range servers {
		s.rig = r
		s.node = r.Add(s)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := r.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
		if left := remains(t, r.env.ID); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	return r
}

func start(t *testing.T, r *Rig) {
	t.Helper()
	if _, _, err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// remains lists the containers and networks of a run.
func remains(t *testing.T, run string) (names []string) {
	t.Helper()
	ctx := context.Background()
	e, err := connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	having := client.Filters{}.Add("label", owner.Run+"="+run)
	cs, err := e.api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: having})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cs.Items {
		names = append(names, c.Names...)
	}
	ns, err := e.api.NetworkList(ctx, client.NetworkListOptions{Filters: having})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range ns.Items {
		names = append(names, n.Name)
	}
	return names
}

func TestStartStop(t *testing.T) {
	a, b := &server{name: "a", env: map[string]string{"COLOUR": "blue"}}, &server{name: "b", same: true}
	a.files = []File{{Path: "/etc/deep/down/a.conf", Text: "x=1\n"}}
	r := newRig(t, lab.Env{}, a, b)
	var joined []bool
	r.Join(func(ctx context.Context, fresh bool) error { joined = append(joined, fresh); return nil })
	start(t, r)
	if got := a.ask(t, "/env", url.Values{"k": {"COLOUR"}}); got != "blue" {
		t.Errorf("environment: %q", got)
	}
	// Each finds the other by name; b listens on the very port it is published on.
	_, bport, _ := strings.Cut(b.node.Addr(port), ":")
	for _, u := range []string{"http://b:" + bport + "/ping", "http://" + b.node.IP().String() + ":" + bport + "/ping"} {
		if got := a.ask(t, "/fetch", url.Values{"url": {u}}); got != "pong" {
			t.Errorf("%s from a: %q", u, got)
		}
	}
	if got := b.ask(t, "/fetch", url.Values{"url": {"http://a:7000/ping"}}); got != "pong" {
		t.Errorf("a from b: %q", got)
	}
	if got, err := a.node.Get(t.Context(), "/etc/deep/down/a.conf"); err != nil || got != "x=1\n" {
		t.Errorf("file: %q, %v", got, err)
	}
	if len(joined) != 1 || !joined[0] {
		t.Errorf("joined %v, want once, fresh", joined)
	}
	want := lab.Server{Name: "a", Engine: "test", Version: "1.0", Image: image.Name, Origin: "local"}
	if got := r.Servers(); len(got) != 2 || got[0] != want {
		t.Errorf("servers: %+v", got)
	}
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := remains(t, r.env.ID); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, _, err := r.Start(t.Context()); err == nil {
		t.Error("a stopped rig started again")
	}
}

func TestExec(t *testing.T) {
	a := &server{name: "a"}
	r := newRig(t, lab.Env{}, a)
	start(t, r)
	if out, err := a.node.Pipe(t.Context(), strings.NewReader("one\ntwo\n"), "/server", "cat"); err != nil || out != "one\ntwo\n" {
		t.Errorf("pipe: %q, %v", out, err)
	}
	out, err := a.node.Exec(t.Context(), "/server", "fail")
	var e *ExecError
	if !errors.As(err, &e) || e.Status != 7 || e.Stderr != "no such thing\n" || out != "on stdout\n" {
		t.Errorf("fail: %q, %v", out, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := a.node.Exec(ctx, "/server", "sleep"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("sleep: %v", err)
	}
}

// A container that exits is noticed at once and says why, even where another
// server waits for it; what was started beside it is removed.
func TestExitsAtOnce(t *testing.T) {
	a, b := &server{name: "a"}, &server{name: "b", args: []string{"-die", "cannot open /data: no luck"}}
	a.ready = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	r := newRig(t, lab.Env{}, a, b)
	_, _, err := r.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "exited with status 3") || !strings.Contains(err.Error(), "no luck") {
		t.Fatalf("error: %v", err)
	}
}

// A panic of a server's own code is an error, and Stop works after it.
func TestPanic(t *testing.T) {
	a := &server{name: "a"}
	a.ready = func(context.Context) error { panic("oh no") }
	_, _, err := newRig(t, lab.Env{}, a).Start(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "panic: oh no") {
		t.Errorf("error: %v", err)
	}
}

// Stop ends a Start that hangs, and nothing of it is left.
func TestStopDuringStart(t *testing.T) {
	a := &server{name: "a"}
	waits := make(chan struct{})
	a.ready = func(ctx context.Context) error { close(waits); <-ctx.Done(); return ctx.Err() }
	r := newRig(t, lab.Env{}, a)
	ended := make(chan error, 1)
	go func() {
		_, _, err := r.Start(context.Background())
		ended <- err
	}()
	<-waits
	stop(t, r)
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "the rig was stopped") {
		t.Errorf("start: %v", err)
	}
	if left := remains(t, r.env.ID); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
