// Package engine finds the container engine of this machine, the way that the
// docker command does: DOCKER_HOST, else the current docker context, else the
// sockets where Docker, Docker Desktop, colima, Rancher Desktop, OrbStack and
// Podman listen.
package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/moby/moby/client"
)

// patience bounds the wait for an engine's first answer. A local one answers in
// a millisecond; a remote one may have to be dialled across the world.
const patience = 5 * time.Second

// Place is where an engine listens.
type Place struct {
	Host  string // "unix:///var/run/docker.sock"
	Certs string // folder of ca.pem, cert.pem and key.pem; empty: no TLS, or what DOCKER_CERT_PATH says
}

// Find returns the place of the engine that answers, and a client of it. Its
// error is one sentence for the user.
func Find(ctx context.Context) (Place, *client.Client, error) {
	places, source, err := candidates()
	if err != nil {
		return Place{}, nil, err
	}
	var last error
	for _, p := range places {
		c, err := p.dial(ctx)
		if err == nil {
			return p, c, nil
		}
		if ctx.Err() != nil {
			return Place{}, nil, ctx.Err()
		}
		if last == nil || errors.Is(err, fs.ErrPermission) {
			last = err
		}
	}
	if source == "" && errors.Is(last, fs.ErrPermission) {
		return Place{}, nil, fmt.Errorf("you may not use this machine's Docker engine: join the group docker, or run as root (%w)", last)
	}
	if source == "" {
		return Place{}, nil, errors.New("no Docker engine answers on this machine: start Docker Desktop, colima or Podman, or run scripts/setup as root on Debian or Ubuntu")
	}
	return Place{}, nil, fmt.Errorf("no Docker engine answers at %s, which %s names: start it, or unset that to use this machine's own (%w)", places[0].Host, source, last)
}

// Client returns a client of the engine that answers.
func Client(ctx context.Context) (*client.Client, error) {
	_, c, err := Find(ctx)
	return c, err
}

// Setenv makes libraries that look for an engine themselves find this one.
func (p Place) Setenv() error {
	env := map[string]string{"DOCKER_HOST": p.Host}
	if p.Certs != "" {
		env["DOCKER_CERT_PATH"], env["DOCKER_TLS_VERIFY"] = p.Certs, "1"
	}
	for k, v := range env {
		if err := os.Setenv(k, v); err != nil {
			return err
		}
	}
	return nil
}

func (p Place) dial(ctx context.Context) (*client.Client, error) {
	opts := []client.Opt{client.FromEnv, client.WithHost(p.Host)}
	if p.Certs != "" {
		opts = append(opts, client.WithTLSClientConfig(
			filepath.Join(p.Certs, "ca.pem"), filepath.Join(p.Certs, "cert.pem"), filepath.Join(p.Certs, "key.pem")))
	}
	c, err := client.New(opts...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := c.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// candidates are the places to try in order, and who named the only one.
func candidates() (places []Place, source string, err error) {
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		return []Place{{Host: host}}, "DOCKER_HOST", nil
	}
	home, err := os.UserHomeDir()
	if err != nil { // a service account: there are the system's sockets
		return sockets("", os.Getenv("XDG_RUNTIME_DIR")), "", nil //nolint:nilerr // see above
	}
	config := cmp.Or(os.Getenv("DOCKER_CONFIG"), filepath.Join(home, ".docker"))
	name, source := os.Getenv("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
	if name == "" {
		name, source = current(config), "the current docker context"
	}
	if name == "" || name == "default" {
		return sockets(home, os.Getenv("XDG_RUNTIME_DIR")), "", nil
	}
	p, err := fromContext(config, name)
	if err != nil {
		return nil, "", fmt.Errorf("read docker context %q: %w", name, err)
	}
	return []Place{p}, source, nil
}

// current is the name of the docker context in use.
func current(config string) string {
	b, err := os.ReadFile(filepath.Join(config, "config.json"))
	if err != nil {
		return ""
	}
	var c struct{ CurrentContext string }
	if json.Unmarshal(b, &c) != nil {
		return "" // the docker command complains about its own file
	}
	return c.CurrentContext
}

// fromContext reads a context from where the docker command stores it: folders
// named by the hash of the context's name.
func fromContext(config, name string) (Place, error) {
	id := fmt.Sprintf("%x", sha256.Sum256([]byte(name)))
	b, err := os.ReadFile(filepath.Join(config, "contexts", "meta", id, "meta.json"))
	if err != nil {
		return Place{}, err
	}
	var meta struct {
		Endpoints struct {
			Docker struct{ Host string } `json:"docker"`
		}
	}
	if err := json.Unmarshal(b, &meta); err != nil {
		return Place{}, err
	}
	if meta.Endpoints.Docker.Host == "" {
		return Place{}, errors.New("it names no host")
	}
	p := Place{Host: meta.Endpoints.Docker.Host}
	certs := filepath.Join(config, "contexts", "tls", id, "docker")
	if _, err := os.Stat(filepath.Join(certs, "ca.pem")); err == nil {
		p.Certs = certs
	}
	return p, nil
}
