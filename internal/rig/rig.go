// Package rig runs the servers of one lab in containers: their network, their
// snapshots, faults, and the sweeping of what dead owners left. It is the only
// importer of testcontainers.
package rig

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"faultlab/docker"
	"faultlab/internal/lab"
	"faultlab/internal/owner"
)

// Server is one server of a rig. The engine packages implement it.
type Server interface {
	// Name is the server's host name on the rig's network: "mysql", "replica".
	Name() string
	// Engine names its image in the image table: "mysql".
	Engine() string
	// Spec is how the server is started by binary and explicit configuration.
	// at(port) is the host's port on 127.0.0.1 that leads to the container's
	// port; it stays the same when the container is restarted. Spec is called
	// several times and must depend on nothing but img, at, Rig.Secret and what
	// the server was made with: it is part of the snapshot's key.
	Spec(img docker.Image, at func(port int) int) Spec
	// Ready returns nil when the server serves, after each start of its
	// container. It may try once and return an error, or wait by itself: the
	// rig calls it again until it holds, the container exits, or time is up.
	Ready(ctx context.Context, n *Node) error
	// Evidence returns what the server says about itself, by file name.
	Evidence(ctx context.Context) map[string]string
	// Close closes the clients that the harness holds. Save closes them, too,
	// and then calls Ready again, which opens new ones.
	Close() error
}

// Spec is a container, in the words of no particular library.
type Spec struct {
	Cmd    []string // the whole command line; no entrypoint of the image is used
	User   string   // user inside the container; empty: the image's
	Env    map[string]string
	Files  []File
	Ports  []int // TCP ports to publish on 127.0.0.1, at least one; listen for them on all addresses
	Same   bool  // the container must listen on the very port that is published (Redis Cluster): then at(p) is both
	Tmpfs  map[string]string
	Memory int64   // bytes; 0: no limit
	CPUs   float64 // 0: no limit
}

// File is put into the container before it starts; missing folders are made.
// It belongs to root.
type File struct {
	Path string
	Text string
	Mode int64 // 0: 0644
}

// Rig implements lab.Rig.
type Rig struct {
	env   lab.Env
	nodes []*Node
	joins []func(ctx context.Context, fresh bool) error
	keep  bool

	engine *daemon
	slot   *slot
	ports  *ports
	images map[string]docker.Image // by engine
	peers  *peers                  // nil when there is one server
	key    string                  // of the snapshot
	secret string                  // hex; what Secret derives from
	keying bool                    // the key is being made: secrets don't count

	mu      sync.Mutex
	proxies []*Proxy

	// busy is held by Start, Save and Stop. Stop ends the other two by halt.
	busy chan struct{}
	live context.Context
	halt context.CancelFunc

	// What tests replace.
	ensure func(ctx context.Context, server string, log func(string, ...any)) (docker.Image, error)
	state  string // folder of the machine's locks and notes
	free   func(host netip.Addr, port int) bool
}

var (
	_ lab.Rig     = (*Rig)(nil)
	_ lab.Witness = (*Rig)(nil)
)

// New makes an empty rig; engine packages add servers to it.
func New(env lab.Env) *Rig {
	if env.ID == "" {
		env.ID = randomHex(4)
	}
	if env.Log == nil {
		env.Log = func(string, ...any) {}
	}
	r := &Rig{env: env, busy: make(chan struct{}, 1), ensure: docker.Ensure, state: stateDir(), free: free}
	r.live, r.halt = context.WithCancel(context.Background())
	return r
}

// Add makes srv one of the rig's servers; order of adding is order of names in reports.
func (r *Rig) Add(srv Server) *Node {
	n := &Node{rig: r, srv: srv}
	r.nodes = append(r.nodes, n)
	return n
}

// Join registers what ties servers together once all are ready (replication,
// cluster slots). It is called after every start; fresh says that the servers
// come from a bare image and not from a snapshot.
func (r *Rig) Join(f func(ctx context.Context, fresh bool) error) { r.joins = append(r.joins, f) }

// Keep lets the servers outlive this process: no sweep removes them, only Stop
// and Clean do. It must be called before Start.
func (r *Rig) Keep() { r.keep = true }

// Env is what New was given.
func (r *Rig) Env() lab.Env { return r.env }

// Node returns the node of the server called name; nil if there is none.
func (r *Rig) Node(name string) *Node {
	for _, n := range r.nodes {
		if n.Name() == name {
			return n
		}
	}
	return nil
}

// Admit returns when this machine can run the lab: an engine answers, it has
// the memory and disk that the lab needs, it is the lab's turn, and the images
// are there. What is missing is a lab.Invalid, found before anything starts.
// Start calls it where nobody has; but a turn and an image may be long in
// coming, and should not count as the start of servers.
func (r *Rig) Admit(ctx context.Context) error {
	ctx, done, err := r.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	return r.admit(ctx)
}

func (r *Rig) admit(ctx context.Context) (err error) {
	if r.images != nil {
		return nil
	}
	if r.engine, err = connect(ctx); err != nil {
		return err
	}
	if err := r.engine.fits(ctx, r.env); err != nil {
		return err
	}
	if r.env.After == nil { // else that had its turn
		if r.slot, err = takeSlot(ctx, r.state, r.engine.slots(), r.env); err != nil {
			return err
		}
	}
	return r.ensureImages(ctx)
}

// Start brings all servers up, from the snapshot if there is one: see lab.Rig.
func (r *Rig) Start(ctx context.Context) (fp lab.Fingerprint, seeded bool, err error) {
	ctx, done, err := r.begin(ctx)
	if err != nil {
		return nil, false, err
	}
	defer done()
	if err := r.admit(ctx); err != nil {
		return nil, false, err
	}
	r.ports = r.slot.ports(r.engine, r.free)
	if err := sweep(ctx, r.engine, r.env.Log); err != nil {
		return nil, false, err
	}
	if err := r.connectPeers(ctx); err != nil {
		return nil, false, err
	}
	if r.key, err = r.makeKey(); err != nil {
		return nil, false, err
	}
	unlock, err := lockSnapshots(ctx, r.state, false)
	if err != nil {
		return nil, false, err
	}
	defer unlock()
	if !r.env.Fresh {
		snap, err := r.find(ctx)
		if err != nil {
			return nil, false, err
		}
		if snap != nil {
			r.secret = snap.secret
			for _, n := range r.nodes {
				n.has = snap.files[n.Name()]
			}
			return snap.print, true, r.up(ctx, snap.images, unlock)
		}
	}
	r.secret = randomHex(16)
	return nil, false, r.up(ctx, nil, unlock)
}

// up starts all servers, from the named images if there are any, and joins
// them. made is called once the containers are there, and so hold their images.
func (r *Rig) up(ctx context.Context, from map[string]string, made func()) error {
	err := r.each(ctx, func(ctx context.Context, n *Node) error {
		img := r.images[n.srv.Engine()].Name
		if from != nil {
			img = from[n.Name()]
		}
		return n.launch(ctx, img)
	})
	made()
	if err != nil {
		return err
	}
	if err := r.each(ctx, func(ctx context.Context, n *Node) error { return n.await(ctx) }); err != nil {
		return err
	}
	for _, join := range r.joins {
		if err := join(ctx, from == nil); err != nil {
			return fmt.Errorf("join servers: %w", err)
		}
	}
	return nil
}

// ensureImages gets the image of every engine that the servers need.
func (r *Rig) ensureImages(ctx context.Context) error {
	images := map[string]docker.Image{}
	for _, n := range r.nodes {
		engine := n.srv.Engine()
		if _, ok := images[engine]; ok {
			continue
		}
		img, err := r.ensure(ctx, engine, r.env.Log)
		if err != nil {
			return err
		}
		images[engine] = img
	}
	r.images = images
	return nil
}

// Servers says what runs.
func (r *Rig) Servers() []lab.Server {
	list := make([]lab.Server, 0, len(r.nodes))
	for _, n := range r.nodes {
		img := r.images[n.srv.Engine()]
		list = append(list, lab.Server{
			Name: n.Name(), Engine: n.srv.Engine(), Version: img.Version, Image: img.Name, Origin: string(img.Origin),
		})
	}
	return list
}

// stopPatience is how long Stop waits for a Start or Save that it has ended.
const stopPatience = 20 * time.Second

// Stop removes everything of this run. It ends a Start or Save that is still
// under way, and works after one that failed.
func (r *Rig) Stop(ctx context.Context) error {
	r.halt()
	select {
	case r.busy <- struct{}{}:
		defer func() { <-r.busy }()
	case <-time.After(stopPatience): // it hangs; what it still makes is swept later
	case <-ctx.Done():
		return fmt.Errorf("stop rig: %w", context.Cause(ctx))
	}
	var errs []error
	r.mu.Lock()
	for _, p := range r.proxies {
		errs = append(errs, p.Close())
	}
	r.proxies = nil
	r.mu.Unlock()
	r.closeClients(ctx)
	if r.engine != nil {
		errs = append(errs, remove(ctx, r.engine, owner.Run+"="+r.env.ID, nil, r.env.Log))
		r.engine.close()
	}
	if r.slot != nil {
		errs = append(errs, r.slot.free())
		r.slot = nil
	}
	return errors.Join(errs...)
}

// closePatience is how long Stop waits for clients, whose servers may be frozen.
const closePatience = 5 * time.Second

// closeClients closes the clients of all servers. Their complaints are of no
// use to anybody: what they talk to is about to be removed.
func (r *Rig) closeClients(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, closePatience)
	defer cancel()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		for _, n := range slices.Backward(r.nodes) {
			_ = guard(n.srv.Close)
		}
	}()
	select {
	case <-closed:
	case <-ctx.Done():
	}
}

// begin makes its caller the only one that works on the rig, with a context
// that Stop ends.
func (r *Rig) begin(ctx context.Context) (context.Context, func(), error) {
	select {
	case r.busy <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	if r.live.Err() != nil {
		<-r.busy
		return nil, nil, errors.New("start rig: it was stopped")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	unlink := context.AfterFunc(r.live, func() { cancel(errors.New("the rig was stopped")) })
	return ctx, func() { unlink(); cancel(nil); <-r.busy }, nil
}

// each runs f for all nodes at once. The first error ends the others, for they
// may be waiting for the very server that failed.
func (r *Rig) each(ctx context.Context, f func(ctx context.Context, n *Node) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, n := range r.nodes {
		g.Go(func() error { return guard(func() error { return f(ctx, n) }) })
	}
	return g.Wait()
}

// guard makes an error of a panic: a server's funcs are called in goroutines of
// ours, where it would end the process with everything left running.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// stateDir is the folder of locks that all labs of this machine share.
func stateDir() string { return filepath.Join(os.TempDir(), "faultlab") }

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
