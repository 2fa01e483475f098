package playground

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	owners "faultlab/internal/owner"
	"faultlab/internal/rig"
	"faultlab/internal/trial"
)

// owner is the process that the servers belong to.
type owner struct {
	root  string
	lab   *lab.Lab
	seed  uint64
	start lab.Variant
	log   func(lab.Event)
	down  context.CancelFunc // ends the owner

	// One request at a time works on the servers. The program that is the service
	// is one of them, which gives way to the others.
	busy  chan struct{}
	yield func() // ends the program, for now

	mu      sync.Mutex
	state   State
	live    *lab.Live
	ears    map[chan message]bool
	aloof   bool      // what goes on now was not asked for: only the log gets it
	told    []message // while it comes up, for those who ask later
	traffic traffic
	changes changes
	halt    func() // ends the background work of live, and waits for it
	resume  func() // lets the program begin again
	scratch string
}

// Serve brings a lab's playground up and owns it until ctx ends or somebody
// asks it to go down. What happens is told to those who ask over HTTP; log
// gets it too.
func Serve(ctx context.Context, root string, l *lab.Lab, seed uint64, log func(lab.Event)) error {
	if err := l.Validate(); err != nil {
		return err
	}
	lock, err := own(root, l.Name)
	if err != nil {
		return err
	}
	defer lock.Close()
	ctx, down := context.WithCancel(ctx)
	defer down()
	o := &owner{root: root, lab: l, seed: seed, down: down, busy: make(chan struct{}, 1), yield: func() {}, halt: func() {}, resume: func() {}, log: log, ears: map[chan message]bool{}}
	o.state = State{Lab: l.Name, PID: os.Getpid(), Phase: Starting, Since: time.Now(), Token: randomHex(16)}
	if o.start, err = fix.Read(trial.Dir(root, l.Name), "start", l.Fix); err != nil {
		return o.fail(err)
	}
	if o.scratch, err = owners.Scratch(); err != nil {
		return o.fail(err)
	}
	defer os.RemoveAll(o.scratch)
	srv, err := o.listen(ctx)
	if err != nil {
		return o.fail(err)
	}
	defer srv.Close()

	o.busy <- struct{}{}
	err = o.bring(ctx, nil)
	<-o.busy
	if err == nil {
		<-ctx.Done()
	} else if ctx.Err() != nil {
		err = nil // it was asked to go down before it was up
	}
	o.removeServers(ctx)
	if err != nil {
		return o.fail(err)
	}
	if err := os.Remove(statePath(root, l.Name)); err != nil {
		return fmt.Errorf("remove state of playground: %w", err)
	}
	o.tell(message{End: true})
	return nil
}

// fail leaves a state file that says why there is no playground.
func (o *owner) fail(err error) error {
	o.mu.Lock()
	o.state.Phase, o.state.Error, o.state.Servers = Failed, refusal(err).Text, nil
	state := o.state
	o.mu.Unlock()
	werr := state.write(o.root) // before anybody is told to look
	o.tell(message{End: true, Error: refusal(err)})
	return errors.Join(err, werr)
}

// bring brings the broken state up, in the place of another if there is one.
// The caller holds busy.
func (o *owner) bring(ctx context.Context, after *lab.Predecessor) error {
	run := randomHex(4)
	o.mu.Lock()
	o.state.Phase, o.state.Run, o.state.Servers, o.state.Since = Starting, run, nil, time.Now()
	o.changes, o.traffic, o.told = changes{}, traffic{variant: o.start}, nil
	err := o.state.write(o.root)
	o.mu.Unlock()
	if err != nil {
		return err
	}
	live, err := o.lab.Up(ctx, lab.Options{
		Env:   lab.Env{Dir: trial.Dir(o.root, o.lab.Name), ID: run, Scratch: o.scratch, Seed: o.seed, After: after},
		Start: o.start,
		Show:  func(e lab.Event) { o.tell(eventMessage(e)) },
	})
	if err != nil {
		return err
	}
	o.mu.Lock()
	o.live = live
	o.mu.Unlock()
	if err := o.open(ctx, live); err != nil {
		return err
	}
	o.work(live)
	return nil
}

// open lets others in: it writes down how, and gives the machine to the next lab.
func (o *owner) open(ctx context.Context, live *lab.Live) error {
	r, ok := live.Rig().(*rig.Rig)
	if !ok {
		return fmt.Errorf("lab %s has a rig of its own, which can't be left running", o.lab.Name)
	}
	var servers []Server
	for i, says := range r.Servers() {
		n := r.Nodes()[i]
		srv := Server{Server: says, Container: n.Container(), Ports: n.Ports()}
		if x, ok := n.Server().(rig.Explorable); ok {
			srv.Shell, srv.Connect = x.Shell(n.Image()), x.Connect()
		}
		servers = append(servers, srv)
	}
	objects, err := look(ctx, r)
	if err != nil {
		return err
	}
	if err := r.Release(); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.changes.known = objects
	o.state.Phase, o.state.Since, o.state.Servers = Up, time.Now(), servers
	return o.state.write(o.root)
}

// removeServers ends what goes on and removes the servers, in a context that
// outlives ctx.
func (o *owner) removeServers(ctx context.Context) {
	o.mu.Lock()
	live, halt := o.live, o.halt
	o.live, o.halt = nil, func() {}
	o.mu.Unlock()
	halt()
	if live != nil {
		_ = live.Down(context.WithoutCancel(ctx)) // it is shown; the next start sweeps
	}
}

// reset brings the broken state up anew, where clients found it before. The new
// servers are made while the old ones go.
func (o *owner) reset(ctx context.Context) error {
	gone := make(chan struct{})
	before := &lab.Predecessor{Ports: map[string]map[int]int{}, Gone: func(ctx context.Context) error {
		select {
		case <-gone:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}}
	o.mu.Lock()
	for _, srv := range o.state.Servers {
		before.Ports[srv.Name] = maps.Clone(srv.Ports)
	}
	o.mu.Unlock()
	go func() { defer close(gone); o.removeServers(ctx) }()
	err := o.bring(ctx, before)
	<-gone
	if err != nil {
		o.down() // without servers there is nothing to own
	}
	return err
}

// tell passes a message to the log and to all who listen. Who does not keep up
// misses some.
func (o *owner) tell(m message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !m.End {
		o.log(m.event())
	}
	if o.aloof && !m.End {
		return
	}
	if o.state.Phase == Starting {
		o.told = append(o.told, m)
	}
	for ear := range o.ears {
		select {
		case ear <- m:
		default:
		}
	}
}

// hear listens until quit is called; with told, also to what was said since
// the playground began to come up.
func (o *owner) hear(told bool) (ear chan message, quit func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	ear = make(chan message, 1024+len(o.told))
	if told {
		for _, m := range o.told {
			ear <- m
		}
	}
	o.ears[ear] = true
	return ear, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.ears, ear)
	}
}

// listen serves the control requests.
func (o *owner) listen(ctx context.Context) (*http.Server, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	o.state.Control = l.Addr().String()
	srv := &http.Server{
		Handler:           o.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	go func() { _ = srv.Serve(l) }() // until Close
	return srv, nil
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
