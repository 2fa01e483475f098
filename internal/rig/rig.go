// Package rig runs the servers of one lab in containers: their network, their
// snapshots, faults, and the sweeping of what dead owners left. It is the only
// importer of testcontainers.
package rig

import (
	"context"

	"faultlab/docker"
	"faultlab/internal/lab"
)

// Server is one server of a rig. The engine packages implement it.
type Server interface {
	// Name is the server's host name on the rig's network: "mysql", "replica".
	Name() string
	// Engine names its image in the image table: "mysql".
	Engine() string
	// Spec is how the server is started by binary and explicit configuration.
	// at(port) is the host's port on 127.0.0.1 that leads to the container's
	// port; it stays the same when the container is restarted.
	Spec(img docker.Image, at func(port int) int) Spec
	// Ready returns when the server serves, after each start of its container.
	Ready(ctx context.Context, n *Node) error
	// Evidence returns what the server says about itself, by file name.
	Evidence(ctx context.Context) map[string]string
	// Close closes the clients that the harness holds.
	Close() error
}

// Spec is a container, in the words of no particular library.
type Spec struct {
	Cmd    []string // the whole command line; no entrypoint of the image is used
	User   string   // user inside the container; empty: the image's
	Env    map[string]string
	Files  []File
	Ports  []int  // TCP ports to publish on 127.0.0.1
	Same   bool   // the container must listen on the very port that is published (Redis Cluster): then at(p) is both
	Tmpfs  map[string]string
	Memory int64   // bytes; 0: no limit
	CPUs   float64 // 0: no limit
}

// File is put into the container before it starts.
type File struct {
	Path string
	Text string
	Mode int64 // 0: 0644
}

// Node is one running container of a rig.
type Node struct {
	// filled by the rig
	rig *Rig
	srv Server
}

// Rig implements lab.Rig.
type Rig struct {
	env lab.Env
}

var _ lab.Rig = (*Rig)(nil)

// New makes an empty rig; engine packages add servers to it.
func New(env lab.Env) *Rig { return &Rig{env: env} }

// Add makes srv one of the rig's servers; order of adding is order of names in reports.
func (r *Rig) Add(srv Server) {}

// Join registers what ties servers together once all are ready (replication,
// cluster slots). It is called after every start; fresh says that the servers
// come from a bare image and not from a snapshot.
func (r *Rig) Join(f func(ctx context.Context, fresh bool) error) {}

// Env is what New was given.
func (r *Rig) Env() lab.Env { return r.env }

// Start, Save, Servers, Evidence, Stop: see lab.Rig.
func (r *Rig) Start(ctx context.Context) (lab.Fingerprint, bool, error) { return nil, false, nil }

// Save stops the servers cleanly, commits them and starts again from the snapshot.
func (r *Rig) Save(ctx context.Context, fp lab.Fingerprint) error { return nil }

// Servers says what runs.
func (r *Rig) Servers() []lab.Server { return nil }

// Evidence writes logs and states into dir.
func (r *Rig) Evidence(ctx context.Context, dir string) error { return nil }

// Stop removes everything of this run.
func (r *Rig) Stop(ctx context.Context) error { return nil }

// Addr is the address of the container's port for clients on this machine.
func (n *Node) Addr(port int) string { return "" }

// Exec runs a command in the container and returns its output.
func (n *Node) Exec(ctx context.Context, cmd ...string) (string, error) { return "", nil }

// Faults. Each is undone by its opposite or by teardown.

// Stop ends the server as an operator would (SIGTERM).
func (n *Node) Stop(ctx context.Context) error { return nil }

// Kill ends it with SIGKILL.
func (n *Node) Kill(ctx context.Context) error { return nil }

// Start starts a stopped or killed server and waits until it is ready.
func (n *Node) Start(ctx context.Context) error { return nil }

// Pause freezes all its processes.
func (n *Node) Pause(ctx context.Context) error { return nil }

// Unpause thaws them.
func (n *Node) Unpause(ctx context.Context) error { return nil }

// Disconnect takes it off the rig's network; published ports may go with it.
func (n *Node) Disconnect(ctx context.Context) error { return nil }

// Connect puts it back, under its name.
func (n *Node) Connect(ctx context.Context) error { return nil }

// Limit sets CPUs and memory (bytes) of the running container; 0 leaves one as it is.
func (n *Node) Limit(ctx context.Context, cpus float64, memory int64) error { return nil }
