package rig

import (
	"context"
	"maps"

	"github.com/moby/moby/client"

	"faultlab/docker"
	"faultlab/internal/owner"
)

// Explorable is a server that a learner can look at by hand. The engine
// packages' servers are.
type Explorable interface {
	Server
	// Shell is the server's own client inside its container, as the learner.
	Shell(img docker.Image) Shell
	// Connect is how clients reach the server from this machine.
	Connect() []Connect
	// Objects are the things that a person may change, by name ("table orders"),
	// each as text in which every change of it shows and nothing else does.
	Objects(ctx context.Context) (map[string]string, error)
}

// Shell is a way to work in a server's container.
type Shell struct {
	// Cmd is the client's command line, or empty where the image has none.
	Cmd []string `json:"cmd,omitempty"`
	// HTTP takes statements, one a request, where the image has no client.
	HTTP string `json:"http,omitempty"`
	// Env and Files make every client of the image, called without options, log
	// in as the learner. The files are put there before each start.
	Env   map[string]string `json:"env,omitempty"`
	Files []File            `json:"-"`
}

// Connect is one line that connects when it is pasted.
type Connect struct {
	What string `json:"what"` // "mysql", "dsn"
	Line string `json:"line"`
	// Client is the program that must be on this machine; empty: the line is an
	// address. Inside is the same for the image's own client, if it has one.
	Client string   `json:"client,omitempty"`
	Inside []string `json:"inside,omitempty"`
}

// Image is what the node's server was started from, before any snapshot.
func (n *Node) Image() docker.Image { return n.rig.images[n.srv.Engine()] }

// Container is the id of the node's container.
func (n *Node) Container() string { return n.id() }

// Nodes are the rig's servers in the order of adding.
func (r *Rig) Nodes() []*Node { return r.nodes }

// Ports are the host ports of the server, by container port.
func (n *Node) Ports() map[int]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.host)
}

// State is the container's, in the engine's words: "running", "exited", "paused".
func (n *Node) State(ctx context.Context) (string, error) {
	res, err := n.rig.engine.api.ContainerInspect(ctx, n.id(), client.ContainerInspectOptions{})
	if err != nil {
		return "", n.fault("inspect", err)
	}
	return string(res.Container.State.Status), nil
}

// Release gives the machine to the next lab while the servers go on.
func (r *Rig) Release() error {
	r.busy <- struct{}{}
	defer func() { <-r.busy }()
	if r.slot == nil {
		return nil
	}
	err := r.slot.free()
	r.slot = nil
	return err
}

// Remove removes what the run called id has left on the engine.
func Remove(ctx context.Context, id string, log func(format string, args ...any)) error {
	e, err := connect(ctx)
	if err != nil {
		return err
	}
	defer e.close()
	return remove(ctx, e, owner.Run+"="+id, nil, log)
}

// Sweep removes what dead runs have left on the engine.
func Sweep(ctx context.Context, log func(format string, args ...any)) error {
	e, err := connect(ctx)
	if err != nil {
		return err
	}
	defer e.close()
	return sweep(ctx, e, log)
}
