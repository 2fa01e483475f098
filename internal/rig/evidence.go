package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/moby/moby/client"
)

// logLimit is how much of the end of a server's log is kept.
const logLimit = 2 << 20

// Evidence writes, for every server, the end of its log (mysql.log), how its
// container is (mysql.container.json) and what it says about itself
// (mysql.<file>) into dir. What can't be had is left out and named in the error.
func (r *Rig) Evidence(ctx context.Context, dir string) error {
	if r.engine == nil {
		return nil
	}
	errs := make([]error, len(r.nodes))
	var wg sync.WaitGroup
	for i, n := range r.nodes {
		wg.Go(func() { errs[i] = guard(func() error { return n.evidence(ctx, dir) }) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (n *Node) evidence(ctx context.Context, dir string) error {
	var errs []error
	keep := func(name string, b []byte, err error) {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, n.Name()+"."+name), b, 0o644)
		}
		errs = append(errs, err)
	}
	b, err := n.Logs(ctx)
	keep("log", b[max(0, len(b)-logLimit):], err)
	b, err = n.state(ctx)
	keep("container.json", b, err)
	for name, text := range n.srv.Evidence(ctx) {
		keep(name, []byte(text), nil)
	}
	return errors.Join(errs...)
}

// state is what the engine knows of the container that explains an end or slowness.
func (n *Node) state(ctx context.Context) ([]byte, error) {
	res, err := n.rig.engine.api.ContainerInspect(ctx, n.id(), client.ContainerInspectOptions{})
	if err != nil {
		return nil, fmt.Errorf("inspect %s: %w", n.Name(), err)
	}
	c := res.Container
	return json.MarshalIndent(map[string]any{
		"image": c.Config.Image, "command": append(c.Config.Entrypoint, c.Config.Cmd...),
		"state": c.State, "restarts": c.RestartCount,
		"cpus": float64(c.HostConfig.NanoCPUs) / 1e9, "memory": c.HostConfig.Memory,
		"ports": c.NetworkSettings.Ports,
	}, "", "  ")
}
