package kafka

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// The API keys that a front can tell apart.
const (
	APIProduce         = 0
	APIFetch           = 1
	APIOffsetCommit    = 8
	APITxnOffsetCommit = 28
)

// Front is a proxy before the only broker of a cluster that understands
// requests: it counts them by kind and can hold a kind back, so that a client
// can be caught exactly between its work and its commit.
//
// The broker advertises the front's address to those who come through it, so
// that clients stay behind it. Only a cluster with Config.Front has one.
type Front struct {
	listener net.Listener
	target   string
	addr     string

	mu    sync.Mutex
	conns map[net.Conn]bool // nil once it is closed
	seen  map[int16]int64
	hold  map[int16]bool
	held  int64
	group sync.WaitGroup
}

// Front opens the front; it must be closed before the rig is stopped.
func (c *Cluster) Front() (*Front, error) {
	if !c.conf.Front {
		return nil, errors.New("open front: the cluster was made without one")
	}
	b := c.brokers[0]
	f := &Front{
		addr: b.node.Addr(front), target: b.node.Addr(fronted),
		conns: map[net.Conn]bool{}, seen: map[int16]int64{}, hold: map[int16]bool{},
	}
	var err error
	if f.listener, err = net.Listen("tcp", f.addr); err != nil {
		return nil, fmt.Errorf("open front: %w", err)
	}
	f.group.Go(f.accept)
	return f, nil
}

// Addr is where clients find the front.
func (f *Front) Addr() string { return f.addr }

// Hold swallows requests of these kinds from now on: they never get to the
// broker and are never answered.
func (f *Front) Hold(keys ...int16) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = 0
	for _, k := range keys {
		f.hold[k] = true
	}
}

// Release lets all requests through again. What was swallowed stays so.
func (f *Front) Release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.hold)
}

// Held is how many requests were swallowed since Hold was called last.
func (f *Front) Held() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.held
}

// Seen is how many requests of a kind have come in.
func (f *Front) Seen(key int16) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen[key]
}

// Close cuts all connections.
func (f *Front) Close() error {
	err := f.listener.Close()
	f.mu.Lock()
	for c := range f.conns {
		c.Close()
	}
	f.conns = nil
	f.mu.Unlock()
	f.group.Wait()
	return err
}

func (f *Front) accept() {
	for {
		c, err := f.listener.Accept()
		if err != nil {
			return // closed
		}
		f.group.Go(func() { f.serve(c) })
	}
}

// serve copies requests one by one and answers as they come.
func (f *Front) serve(c net.Conn) {
	defer f.track(c)()
	b, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", f.target)
	if err != nil {
		return
	}
	defer f.track(b)()
	f.group.Go(func() {
		_, _ = io.Copy(c, b)
		c.Close()
	})
	in := bufio.NewReader(c)
	for {
		head, err := in.Peek(6) // size of what follows, and the API key
		if err != nil {
			return
		}
		size := 4 + int64(binary.BigEndian.Uint32(head))
		to := io.Writer(b)
		if f.swallows(int16(binary.BigEndian.Uint16(head[4:]))) {
			to = io.Discard
		}
		if _, err := io.CopyN(to, in, size); err != nil {
			return
		}
	}
}

func (f *Front) swallows(key int16) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen[key]++
	if f.hold[key] {
		f.held++
	}
	return f.hold[key]
}

// track closes c when the front is closed, or when the returned func is called.
func (f *Front) track(c net.Conn) func() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conns == nil {
		c.Close()
		return func() {}
	}
	f.conns[c] = true
	return func() {
		c.Close()
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.conns, c)
	}
}
