package rig

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"faultlab/internal/owner"
)

// sweep removes the containers and networks whose owner is dead: killed before
// it could tear down, or gone with the machine or the engine.
func sweep(ctx context.Context, e *daemon, log func(string, ...any)) error {
	if err := remove(ctx, e, owner.Run, owner.Orphaned, log); err != nil {
		return fmt.Errorf("sweep what dead runs left: %w", err)
	}
	return nil
}

// Clean removes all snapshots and what dead runs left behind; with all, also
// servers that were meant to outlive their process. log gets a line for each.
func Clean(ctx context.Context, all bool, log func(format string, args ...any)) error {
	e, err := connect(ctx)
	if err != nil {
		return err
	}
	defer e.close()
	return clean(ctx, e, stateDir(), labelSnapshot, all, log)
}

func clean(ctx context.Context, e *daemon, state, label string, all bool, log func(string, ...any)) error {
	doomed := func(l map[string]string) bool { return leftover(l, all) }
	errs := []error{remove(ctx, e, owner.Run, doomed, log)}
	unlock, err := lockSnapshots(ctx, state, true)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	defer unlock()
	list, err := snapshots(ctx, e, state, label)
	errs = append(errs, err)
	for _, s := range list {
		if err := s.remove(ctx, e, state); err != nil {
			errs = append(errs, err)
			continue
		}
		log("removed snapshot of %s (%s, %d MB)", s.Lab, strings.Join(s.Servers, ", "), s.Size/1e6)
	}
	return errors.Join(errs...)
}

// leftover says that nobody is there to remove what carries these labels; with
// all, servers that are kept on purpose count too.
func leftover(l map[string]string, all bool) bool {
	if all && l[owner.Keep] != "" {
		return true
	}
	return owner.Orphaned(l)
}

// remove removes the containers and networks that have the label ("name" or
// "name=value") and, if doomed is not nil, of which it holds. What somebody
// else removes meanwhile is fine.
func remove(ctx context.Context, e *daemon, label string, doomed func(labels map[string]string) bool, log func(string, ...any)) error {
	having := client.Filters{}.Add("label", label)
	containers, err := e.api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: having})
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	networks, err := e.api.NetworkList(ctx, client.NetworkListOptions{Filters: having})
	if err != nil {
		return fmt.Errorf("list networks: %w", err)
	}
	containers.Items = slices.DeleteFunc(containers.Items, func(c container.Summary) bool { return doomed != nil && !doomed(c.Labels) })
	networks.Items = slices.DeleteFunc(networks.Items, func(n network.Summary) bool { return doomed != nil && !doomed(n.Labels) })
	errs := make([]error, len(containers.Items))
	var wg sync.WaitGroup
	for i, c := range containers.Items {
		wg.Go(func() { errs[i] = removeContainer(ctx, e, c.ID) })
	}
	wg.Wait()
	for i, c := range containers.Items {
		if errs[i] == nil {
			log("removed container %s", strings.TrimPrefix(strings.Join(c.Names, ","), "/"))
		}
	}
	for _, n := range networks.Items { // only now nobody is connected to them
		if _, err := e.api.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{}); err != nil && !errdefs.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("remove network %s: %w", n.Name, err))
			continue
		}
		log("removed network %s", n.Name)
	}
	return errors.Join(errs...)
}

// removeContainer ends a container with SIGKILL and removes it with its volumes.
func removeContainer(ctx context.Context, e *daemon, id string) error {
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
