package engine

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// alone gives the test a home of its own and no variable that names an engine.
func alone(t *testing.T) (home string) {
	home = t.TempDir()
	for _, v := range []string{"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "XDG_RUNTIME_DIR"} {
		t.Setenv(v, "")
	}
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	return home
}

// serve is an engine that answers to a ping.
func serve(t *testing.T) (host string) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
	}))
	t.Cleanup(srv.Close)
	return "tcp://" + srv.Listener.Addr().String()
}

func write(t *testing.T, path, text string) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// writeContext stores a docker context and returns its folder of certificates.
func writeContext(t *testing.T, home, name, host string) string {
	id := fmt.Sprintf("%x", sha256.Sum256([]byte(name)))
	dir := filepath.Join(home, ".docker", "contexts")
	write(t, filepath.Join(dir, "meta", id, "meta.json"),
		fmt.Sprintf(`{"Name":%q,"Metadata":{},"Endpoints":{"docker":{"Host":%q,"SkipTLSVerify":false}}}`, name, host))
	return filepath.Join(dir, "tls", id, "docker")
}

func TestHostOfEnvironment(t *testing.T) {
	home, host := alone(t), serve(t)
	writeContext(t, home, "other", "tcp://127.0.0.1:1")
	t.Setenv("DOCKER_CONTEXT", "other")
	t.Setenv("DOCKER_HOST", host) // has the last word
	p, c, err := Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if p.Host != host {
		t.Errorf("found %s, want %s", p.Host, host)
	}
}

func TestCurrentContext(t *testing.T) {
	home, host := alone(t), serve(t)
	writeContext(t, home, "colima", host)
	write(t, filepath.Join(home, ".docker", "config.json"), `{"auths":{},"currentContext":"colima"}`)
	p, c, err := Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if p.Host != host || p.Certs != "" {
		t.Errorf("found %+v, want %s", p, host)
	}
}

func TestContextWithCertificates(t *testing.T) {
	home := alone(t)
	certs := writeContext(t, home, "far", "tcp://far:2376")
	write(t, filepath.Join(certs, "ca.pem"), "")
	t.Setenv("DOCKER_CONTEXT", "far")
	places, source, err := candidates()
	if err != nil {
		t.Fatal(err)
	}
	if want := (Place{Host: "tcp://far:2376", Certs: certs}); len(places) != 1 || places[0] != want || source != "DOCKER_CONTEXT" {
		t.Errorf("%s names %v, want %v", source, places, want)
	}
	if err := places[0].Setenv(); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("DOCKER_HOST") != "tcp://far:2376" || os.Getenv("DOCKER_CERT_PATH") != certs || os.Getenv("DOCKER_TLS_VERIFY") != "1" {
		t.Error("the environment does not name the place")
	}
}

func TestSentences(t *testing.T) {
	home := alone(t)
	t.Setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
	if _, _, err := Find(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "no Docker engine answers at tcp://127.0.0.1:1, which DOCKER_HOST names: start it, or unset that") {
		t.Errorf("nobody at DOCKER_HOST: %v", err)
	}
	t.Setenv("DOCKER_HOST", "")
	t.Setenv("DOCKER_CONTEXT", "gone")
	if _, _, err := Find(t.Context()); err == nil || !strings.HasPrefix(err.Error(), `read docker context "gone": `) {
		t.Errorf("no such context: %v", err)
	}
	writeContext(t, home, "gone", "tcp://127.0.0.1:1")
	if _, _, err := Find(t.Context()); err == nil || !strings.Contains(err.Error(), "which DOCKER_CONTEXT names") {
		t.Errorf("nobody at the context's host: %v", err)
	}
}
