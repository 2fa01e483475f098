package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"faultlab/internal/rig"
)

// twin is the bare server: a container like that of a rig, started by nothing
// but the calls to the engine that it takes.
type twin struct {
	api   *client.Client
	like  container.InspectResponse
	files bytes.Buffer // as tar; empty if the image has them
	ready func(ctx context.Context) error
	close func() error
}

func (b *bench) inspect(ctx context.Context, r *rig.Rig, n *rig.Node) (container.InspectResponse, error) {
	res, err := b.api.ContainerInspect(ctx, "faultlab-"+r.Env().ID+"-"+n.Name(), client.ContainerInspectOptions{})
	if err != nil {
		return container.InspectResponse{}, fmt.Errorf("inspect %s: %w", n.Name(), err)
	}
	return res.Container, nil
}

// twin copies a server that runs: the image, command, ports and limits of its
// container, and its files. It is the rig's idea of being ready that must hold,
// asked over the same port, so the rig has to be stopped before the twin starts.
func (b *bench) twin(ctx context.Context, r *rig.Rig, n *rig.Node) (*twin, error) {
	srv := n.Server()
	t := &twin{api: b.api, ready: func(ctx context.Context) error { return srv.Ready(ctx, n) }, close: srv.Close}
	var err error
	if t.like, err = b.inspect(ctx, r, n); err != nil {
		return nil, err
	}
	if len(n.Copied()) == 0 {
		return t, nil
	}
	w := tar.NewWriter(&t.files)
	for _, f := range n.Copied() {
		h := &tar.Header{Name: strings.TrimPrefix(f.Path, "/"), Mode: 0o644, Size: int64(len(f.Text)), ModTime: time.Now()}
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.Path, err)
		}
		_, _ = w.Write([]byte(f.Text)) // a Buffer never fails
	}
	return t, w.Close()
}

// start returns how long the bare server took until it was ready, and how long
// its removal.
func (t *twin) start(ctx context.Context) (up, down time.Duration, err error) {
	began := time.Now()
	c, err := t.api.ContainerCreate(ctx, client.ContainerCreateOptions{Config: t.like.Config, HostConfig: t.like.HostConfig})
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		_ = t.close()
		began := time.Now()
		_, rerr := t.api.ContainerRemove(context.WithoutCancel(ctx), c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		down = time.Since(began)
		err = errors.Join(err, rerr)
	}()
	up, err = t.serve(ctx, c.ID, began)
	return up, 0, err
}

// serve starts a container that was made and returns when it is ready: the time
// since began.
func (t *twin) serve(ctx context.Context, id string, began time.Time) (time.Duration, error) {
	if t.files.Len() > 0 {
		if _, err := t.api.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: "/", Content: &t.files}); err != nil {
			return 0, err
		}
	}
	if _, err := t.api.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	// Asked more often than the rig does, so that its pauses count as its own.
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := t.ready(ctx)
		if err == nil {
			return time.Since(began), nil
		}
		select {
		case <-ctx.Done():
			return 0, err
		case <-tick.C:
		}
	}
}
