package rig

import (
	"context"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"faultlab/internal/lab"
)

// Outage is what befell a server that was not told to end by the rig: its engine
// does not answer, its container is gone, or it was ended from outside, by SIGTERM
// or SIGKILL, as by an engine that ends or starts anew. A server that crashed or
// had no memory left may have been brought to it by the fix, and is no outage.
func (r *Rig) Outage(ctx context.Context) error {
	for _, n := range r.nodes {
		n.mu.Lock()
		id, down := n.container, n.down
		n.mu.Unlock()
		if id == "" || down {
			continue
		}
		res, err := r.engine.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
		switch {
		case errdefs.IsNotFound(err):
			return lab.Invalidf("the container of %s was removed while the lab ran", n.Name())
		case err != nil && ctx.Err() == nil: // else it is slow, which is no outage
			return lab.Invalidf("the Docker engine stopped answering while the lab ran: %v", err)
		}
		switch st := res.Container.State; {
		case st == nil:
		case st.Running || st.OOMKilled:
		case st.ExitCode == 0, st.ExitCode == 143, st.ExitCode == 137:
			return lab.Invalidf("%s was stopped from outside while the lab ran (its container ended with status %d)", n.Name(), st.ExitCode)
		}
	}
	return nil
}
