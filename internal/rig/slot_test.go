package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"faultlab/internal/lab"
)

// Two rigs and one slot: the second waits, says for whom, and starts when the first has stopped.
func TestTurns(t *testing.T) {
	first := newRig(t, lab.Env{Lab: "test/first"}, &server{name: "a"})
	start(t, first)
	told := make(chan string, 10)
	second := newRig(t, lab.Env{Log: func(format string, args ...any) { told <- fmt.Sprintf(format, args...) }}, &server{name: "a"})
	// On a machine of many cores all slots but the first's are taken too.
	second.state = first.state
	for i := 1; i < first.engine.slots(); i++ {
		s, err := takeSlot(t.Context(), first.state, first.engine.slots(), lab.Env{Lab: "test/first"})
		must(t, err)
		defer s.free()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := second.Admit(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("second: %v", err)
	}
	if said := <-told; !strings.Contains(said, "waiting for test/first") || len(told) > 0 {
		t.Errorf("it says %q and %d lines more", said, len(told))
	}
	started := make(chan error, 1)
	go func() {
		_, _, err := second.Start(t.Context())
		started <- err
	}()
	<-told
	select {
	case err := <-started:
		t.Fatalf("two ran at a time: %v", err)
	default:
	}
	stop(t, first)
	must(t, <-started)
}

// A host port that somebody took between our look and the engine's is given up for another.
func TestPortConflict(t *testing.T) {
	a := &server{name: "a"}
	r := newRig(t, lab.Env{}, a)
	// A slot with room for two ports, of which the rig tries the taken one first.
	host := netip.MustParseAddr("127.0.0.1")
	i := 100
	for !free(host, firstPort+2*i) || !free(host, firstPort+2*i+1) {
		i++
	}
	p := firstPort + 2*i
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(p))
	must(t, err)
	defer l.Close()
	tried := false
	r.free = func(_ netip.Addr, port int) bool {
		tried = tried || port == p
		return tried
	}
	r.slot = &slot{lock: flock.New(filepath.Join(t.TempDir(), "lock")), i: i, of: (lastPort - firstPort + 1) / 2}
	if r.engine, err = connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	must(t, r.ensureImages(t.Context()))
	start(t, r)
	if !tried || a.node.Addr(port) != fmt.Sprintf("127.0.0.1:%d", p+1) {
		t.Errorf("tried the taken port: %v; serves at %s", tried, a.node.Addr(port))
	}
}

// What the machine lacks is said in one sentence before anything starts.
func TestFits(t *testing.T) {
	for what, env := range map[string]lab.Env{"memory": {Memory: 1 << 30}, "disk": {Disk: 1 << 40}} {
		r := newRig(t, env, &server{name: "a"})
		_, _, err := r.Start(t.Context())
		var invalid *lab.Invalid
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), "MiB of "+what) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Ports are published where the engine is.
func TestPublishedOn(t *testing.T) {
	for daemon, want := range map[string]string{
		"unix:///var/run/docker.sock":      "127.0.0.1",
		"npipe:////./pipe/docker_engine":   "127.0.0.1",
		"tcp://127.0.0.1:2375":             "127.0.0.1",
		"tcp://192.0.2.7:2376":             "192.0.2.7",
		"https://192.0.2.7:2376/some/path": "192.0.2.7",
	} {
		if got, err := publishedOn(t.Context(), daemon); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v", daemon, got, err)
		}
	}
}

// A process that runs lab after lab does not keep another one waiting.
func TestTurnsAreFair(t *testing.T) {
	dir := t.TempDir()
	mine, err := takeSlot(t.Context(), dir, 1, lab.Env{})
	must(t, err)
	waits := make(chan struct{}, 1)
	theirs := make(chan *slot, 1)
	go func() {
		s, err := takeSlot(t.Context(), dir, 1, lab.Env{Log: func(string, ...any) { waits <- struct{}{} }})
		if err != nil {
			t.Error(err)
		}
		theirs <- s
	}()
	<-waits
	must(t, mine.free())
	again := make(chan *slot, 1)
	go func() {
		s, err := takeSlot(t.Context(), dir, 1, lab.Env{Log: func(string, ...any) {}})
		if err != nil {
			t.Error(err)
		}
		again <- s
	}()
	select {
	case s := <-theirs:
		must(t, s.free())
		must(t, (<-again).free())
	case <-again:
		t.Fatal("who had the slot last has it again, before who waited for it")
	}
}
