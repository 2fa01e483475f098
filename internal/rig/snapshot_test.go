package rig

import (
	"context"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"faultlab/docker"
	"faultlab/internal/lab"
)

// ofLab lists the snapshots of a test, and only those: the engine is shared.
func ofLab(t *testing.T, name string) []Snapshot {
	t.Helper()
	e, err := connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	list, err := snapshots(t.Context(), e, t.TempDir(), labelLab+"="+name)
	if err != nil {
		t.Fatal(err)
	}
	// Containers' labels go into images, too.
	return slices.DeleteFunc(list, func(s Snapshot) bool { return s.Key == "" })
}

// cleanLab removes the snapshots of a test when it ends.
func cleanLab(t *testing.T, name string) {
	t.Cleanup(func() {
		e, err := connect(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer e.close()
		for _, s := range func() []Snapshot {
			l, _ := snapshots(context.Background(), e, os.TempDir(), labelLab+"="+name)
			return l
		}() {
			if err := s.remove(context.Background(), e, os.TempDir()); err != nil {
				t.Errorf("clean up: %v", err)
			}
		}
	})
}

// pair is a rig of two servers of which each knows one password, and a file: one
// that is always the same, and one that says where the server is.
func pair(t *testing.T, env lab.Env) (r *Rig, a, b *server) {
	a = &server{name: "a", secret: true, files: []File{{Path: "/data/conf", Text: "as ever"}}}
	b = &server{name: "b", secret: true, knows: true}
	return newRig(t, env, a, b), a, b
}

func stop(t *testing.T, r *Rig) {
	t.Helper()
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestSnapshot(t *testing.T) {
	env := lab.Env{Lab: "test/" + t.Name() + randomHex(4), Dir: t.TempDir(), Seed: 1}
	cleanLab(t, env.Lab)
	seedGo := filepath.Join(env.Dir, "seed.go")
	write := func(text string) {
		if err := os.WriteFile(seedGo, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("package x")

	// The first run seeds and goes on from its own snapshot.
	r, a, b := pair(t, env)
	var joined []bool
	r.Join(func(ctx context.Context, fresh bool) error { joined = append(joined, fresh); return nil })
	if fp, seeded, err := r.Start(t.Context()); err != nil || seeded || fp != nil {
		t.Fatalf("first start: %v, %v, %v", fp, seeded, err)
	}
	addr := a.node.Addr(port)
	a.ask(t, "/set", url.Values{"k": {"x"}, "v": {"1"}})
	b.ask(t, "/set", url.Values{"k": {"x"}, "v": {"2"}})
	if err := r.Save(t.Context(), lab.Fingerprint{"rows": "2"}); err != nil {
		t.Fatal(err)
	}
	if a.node.Addr(port) != addr {
		t.Errorf("Save moved a from %s to %s", addr, a.node.Addr(port))
	}
	if !slices.Equal(joined, []bool{true, false}) || a.closed != 1 {
		t.Errorf("joined %v, closed %d", joined, a.closed)
	}
	check := func(a, b *server, password string) {
		t.Helper()
		if x, y := a.ask(t, "/get", url.Values{"k": {"x"}}), b.ask(t, "/get", url.Values{"k": {"x"}}); x != "1" || y != "2" {
			t.Errorf("data: %q, %q", x, y)
		}
		if s := a.ask(t, "/get", url.Values{"k": {"stopped"}}); s != "cleanly" {
			t.Errorf("a stopped %q", s)
		}
		if p := b.ask(t, "/env", url.Values{"k": {"PASSWORD"}}); p != password || len(p) != 32 {
			t.Errorf("password %q, want %q", p, password)
		}
		if conf := a.ask(t, "/get", url.Values{"k": {"conf"}}); conf != "as ever" || len(a.node.Copied()) > 0 {
			t.Errorf("a's file is %q, copied %v, which the snapshot has", conf, a.node.Copied())
		}
		if p := b.ask(t, "/get", url.Values{"k": {"port"}}); !strings.HasSuffix(b.node.Addr(port), ":"+p) {
			t.Errorf("b is told port %s, and serves at %s", p, b.node.Addr(port))
		}
	}
	password := r.Secret("password")
	check(a, b, password)
	stop(t, r)

	// The second starts from it, with the same password on other ports.
	r, a, b = pair(t, env)
	r.free = func(ip netip.Addr, port int) bool {
		return !strings.HasSuffix(addr, strconv.Itoa(port)) && free(ip, port)
	}
	fp, seeded, err := r.Start(t.Context())
	if err != nil || !seeded || fp["rows"] != "2" {
		t.Fatalf("second start: %v, %v, %v", fp, seeded, err)
	}
	check(a, b, password)
	// What a run does is not kept.
	a.ask(t, "/set", url.Values{"k": {"x"}, "v": {"9"}})
	stop(t, r)
	if l := ofLab(t, env.Lab); len(l) != 1 || !l[0].whole || l[0].Size <= 0 || l[0].Size > 1<<20 {
		t.Errorf("snapshots: %+v", l)
	}

	// Fresh seeds again, with another password; its snapshot takes the place of the old.
	fresh := env
	fresh.Fresh = true
	r, _, _ = pair(t, fresh)
	if _, seeded, err := r.Start(t.Context()); err != nil || seeded {
		t.Fatalf("fresh start: %v, %v", seeded, err)
	}
	if r.Secret("password") == password {
		t.Error("a fresh seed has the old password")
	}
	if err := r.Save(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	stop(t, r)
	if l := ofLab(t, env.Lab); len(l) != 1 || l[0].print != nil {
		t.Errorf("snapshots after a fresh one: %+v", l)
	}

	// A changed seed makes another, and the old one goes.
	old := r.key
	write("package y")
	r, _, _ = pair(t, env)
	if _, seeded, err := r.Start(t.Context()); err != nil || seeded {
		t.Fatalf("start after change of seed: %v, %v", seeded, err)
	}
	if err := r.Save(t.Context(), lab.Fingerprint{"rows": "3"}); err != nil {
		t.Fatal(err)
	}
	stop(t, r)
	l := ofLab(t, env.Lab)
	if len(l) != 1 || l[0].Key == old {
		t.Fatalf("snapshots after change of seed: %+v", l)
	}

	// Half a snapshot, as a killed Save leaves it, is none.
	e, err := connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	if _, err := e.api.ImageRemove(t.Context(), l[0].images["b"], client.ImageRemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	r, _, _ = pair(t, env)
	if _, seeded, err := r.Start(t.Context()); err != nil || seeded {
		t.Fatalf("start from half a snapshot: %v, %v", seeded, err)
	}
	if err := r.Save(t.Context(), lab.Fingerprint{"rows": "4"}); err != nil {
		t.Fatal(err)
	}
	stop(t, r)
	if l := ofLab(t, env.Lab); len(l) != 1 || !l[0].whole {
		t.Errorf("snapshots after half a one: %+v", l)
	}

	// Clean says what it removes.
	var said []string
	err = clean(t.Context(), e, t.TempDir(), labelLab+"="+env.Lab, false, func(format string, args ...any) { said = append(said, format) })
	if err != nil || len(ofLab(t, env.Lab)) != 0 || !slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, "removed snapshot") }) {
		t.Errorf("clean: %v, said %q, left %v", err, said, ofLab(t, env.Lab))
	}
}

// The key follows what the data follows from, and nothing else.
func TestKey(t *testing.T) {
	dir := t.TempDir()
	key := func(change func(r *Rig, s *server)) string {
		t.Helper()
		s := &server{name: "a", secret: true, args: []string{"-data", "/data"}}
		r := New(lab.Env{Lab: "test/key", Dir: dir, Seed: 1})
		s.rig = r
		s.node = r.Add(s)
		r.images = map[string]docker.Image{"test": {Name: "x", ID: "sha256:1"}}
		change(r, s)
		k, err := r.makeKey()
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	if err := os.WriteFile(filepath.Join(dir, "lab.go"), []byte("package a"), 0o644); err != nil {
		t.Fatal(err)
	}
	first := key(func(*Rig, *server) {})
	if again := key(func(r *Rig, s *server) {
		r.secret = "other"
		r.images["test"] = docker.Image{Name: "y", ID: "sha256:1"}
	}); again != first {
		t.Error("the key follows a secret or the image's name")
	}
	for name, change := range map[string]func(*Rig, *server){
		"seed":  func(r *Rig, s *server) { r.env.Seed = 2 },
		"image": func(r *Rig, s *server) { r.images["test"] = docker.Image{Name: "x", ID: "sha256:2"} },
		"spec":  func(r *Rig, s *server) { s.args = nil },
		"file":  func(r *Rig, s *server) { s.files = []File{{Path: "/x", Text: "y"}} },
		"lab":   func(r *Rig, s *server) { r.env.Lab = "test/other" },
	} {
		if key(change) == first {
			t.Errorf("the key does not follow the %s", name)
		}
	}
	// Without a seed file of its own the lab's code is the seed.
	write := func(file, text string) string {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return key(func(*Rig, *server) {})
	}
	if write("lab.go", "package b") == first {
		t.Error("the key does not follow lab.go")
	}
	second := write("seed.sql", "SELECT 1")
	if write("lab.go", "package c") != second {
		t.Error("the key follows lab.go although there is a seed file")
	}
}

func TestSpent(t *testing.T) {
	now := time.Now()
	list := []Snapshot{ // the last used first
		{Key: "new", Lab: "a", whole: true, Size: 4},
		{Key: "old", Lab: "a", whole: true, Size: 1},
		{Key: "new", Lab: "a", Size: 1}, // its images' names were taken by a fresh Save
		{Key: "b", Lab: "b", whole: true, Size: 3},
		{Key: "saving", Lab: "c", Size: 9, Created: now.Add(-time.Minute)},
		{Key: "killed", Lab: "c", Size: 1, Created: now.Add(-2 * time.Hour)},
		{Key: "big", Lab: "d", whole: true, Size: 4},
		{Key: "small", Lab: "e", whole: true, Size: 3},
	}
	for budget, want := range map[int64]string{
		100: "a/old a/new c/killed",
		10:  "a/old a/new c/killed d/big",
		0:   "a/old a/new b/b c/killed d/big e/small",
	} {
		var got []string
		for _, s := range spent(list, "a", "new", budget, now) {
			got = append(got, s.Lab+"/"+s.Key)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("budget %d: %v, want %s", budget, got, want)
		}
	}
}
