package rig

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Faults. Each is undone by its opposite or by teardown.

// stopLimit is how long a server may take to end by itself.
const stopLimit = 60 * time.Second

// Stop ends the server as an operator would (SIGTERM) and waits until it has
// ended. One that has not after a minute is killed, which is an error.
func (n *Node) Stop(ctx context.Context) error {
	// ContainerStop reports no difference between the two ends, and its client
	// waits for as long as ctx allows; so signal and wait ourselves.
	if err := n.signal(ctx, "SIGTERM"); err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	err := n.ended(limit)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if kerr := n.Kill(ctx); kerr != nil {
		return kerr
	}
	return fmt.Errorf("stop %s: it ignored SIGTERM for %s and was killed", n.Name(), stopLimit)
}

// Kill ends it with SIGKILL.
func (n *Node) Kill(ctx context.Context) error {
	if err := n.signal(ctx, "SIGKILL"); err != nil {
		return err
	}
	return n.ended(ctx)
}

// Start starts a stopped or killed server and waits until it is ready.
func (n *Node) Start(ctx context.Context) error {
	if err := n.run(ctx); err != nil {
		return fmt.Errorf("start %s: %w", n.Name(), err)
	}
	return n.await(ctx)
}

// Restart is Stop and Start.
func (n *Node) Restart(ctx context.Context) error {
	if err := n.Stop(ctx); err != nil {
		return err
	}
	return n.Start(ctx)
}

// Pause freezes all its processes: connections stay open and nobody answers.
func (n *Node) Pause(ctx context.Context) error {
	_, err := n.rig.engine.api.ContainerPause(ctx, n.id(), client.ContainerPauseOptions{})
	return n.fault("pause", err)
}

// Unpause thaws them.
func (n *Node) Unpause(ctx context.Context) error {
	_, err := n.rig.engine.api.ContainerUnpause(ctx, n.id(), client.ContainerUnpauseOptions{})
	return n.fault("unpause", err)
}

// Disconnect cuts the server off from the other servers of the rig: packets
// between them are lost, while their names are still known. Clients on this
// machine keep their connections, since ports are published over another
// network; those are cut by a Proxy. A rig of one server has nobody to cut off.
func (n *Node) Disconnect(ctx context.Context) error {
	if n.rig.peers == nil {
		return n.fault("disconnect", errors.New("the rig has no other server"))
	}
	_, err := n.rig.engine.api.NetworkDisconnect(ctx, n.rig.peers.id, client.NetworkDisconnectOptions{Container: n.id()})
	return n.fault("disconnect", err)
}

// Connect puts it back, at its old address.
func (n *Node) Connect(ctx context.Context) error {
	if n.rig.peers == nil {
		return n.fault("connect", errors.New("the rig has no other server"))
	}
	return n.rig.peers.connect(ctx, n)
}

// Limit sets CPUs and memory (bytes) of the running container; 0 leaves one as
// it is. Less memory than the server holds gets it killed.
func (n *Node) Limit(ctx context.Context, cpus float64, memory int64) error {
	res := resources(cpus, memory)
	_, err := n.rig.engine.api.ContainerUpdate(ctx, n.id(), client.ContainerUpdateOptions{Resources: &res})
	return n.fault("limit", err)
}

func (n *Node) fault(verb string, err error) error {
	if err != nil {
		return fmt.Errorf("%s %s: %w", verb, n.Name(), err)
	}
	return nil
}

func (n *Node) signal(ctx context.Context, sig string) error {
	n.setDown(true)
	_, err := n.rig.engine.api.ContainerKill(ctx, n.id(), client.ContainerKillOptions{Signal: sig})
	return n.fault("send "+sig+" to", err)
}

// ended returns when the container's process is gone.
func (n *Node) ended(ctx context.Context) error {
	w := n.rig.engine.api.ContainerWait(ctx, n.id(), client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case <-w.Result:
		return nil
	case err := <-w.Error:
		return n.fault("wait for the end of", err)
	}
}
