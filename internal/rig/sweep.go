package rig

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// sweep removes the containers and networks whose owner is dead: killed before
// it could tear down, or gone with the machine or the engine.
func sweep(ctx context.Context, e *engine, log func(string, ...any)) error {
	if err := remove(ctx, e, labelRun, orphaned, log); err != nil {
		return fmt.Errorf("sweep what dead runs left: %w", err)
	}
	return nil
}

// remove removes the containers and networks that have the label ("name" or
// "name=value") and, if doomed is not nil, of which it holds. What somebody
// else removes meanwhile is fine.
func remove(ctx context.Context, e *engine, label string, doomed func(labels map[string]string) bool, log func(string, ...any)) error {
	having := client.Filters{}.Add("label", label)
	containers, err := e.api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: having})
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	networks, err := e.api.NetworkList(ctx, client.NetworkListOptions{Filters: having})
	if err != nil {
		return fmt.Errorf("list networks: %w", err)
	}
	var fs []func() error
	for _, c := range containers.Items {
		if doomed != nil && !doomed(c.Labels) {
			continue
		}
		fs = append(fs, func() error {
			if err := removeContainer(ctx, e, c.ID); err != nil {
				return err
			}
			log("removed container %s", strings.TrimPrefix(strings.Join(c.Names, ","), "/"))
			return nil
		})
	}
	errs := []error{together(fs...)}
	for _, n := range networks.Items {
		if doomed != nil && !doomed(n.Labels) {
			continue
		}
		if _, err := e.api.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{}); err != nil && !errdefs.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("remove network %s: %w", n.Name, err))
			continue
		}
		log("removed network %s", n.Name)
	}
	return errors.Join(errs...)
}

// removeContainer ends a container with SIGKILL and removes it with its volumes.
func removeContainer(ctx context.Context, e *engine, id string) error {
	_, err := e.api.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	for errdefs.IsConflict(err) { // somebody else is removing it: until that is done its ports are taken
		select {
		case <-ctx.Done():
			return fmt.Errorf("remove container: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
		if _, err = e.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{}); err == nil {
			_, err = e.api.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		}
	}
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("remove container: %w", err)
	}
	return nil
}
