package rig

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestFaults(t *testing.T) {
	a, b := &server{name: "a"}, &server{name: "b"}
	r := newRig(t, lab.Env{}, a, b)
	start(t, r)
	ctx, n := t.Context(), a.node
	addr, ip := n.Addr(port), n.IP()
	a.ask(t, "/set", url.Values{"k": {"x"}, "v": {"1"}})
	fromB := func() (string, error) { return b.try(ctx, "/fetch", url.Values{"url": {"http://a:7000/get?k=x"}}) }
	serves := func(what string) {
		t.Helper()
		if n.Addr(port) != addr || n.IP() != ip {
			t.Errorf("after %s it moved", what)
		}
		if got := a.ask(t, "/get", url.Values{"k": {"x"}}); got != "1" {
			t.Errorf("after %s: %q", what, got)
		}
		if got, err := fromB(); err != nil || got != "1" {
			t.Errorf("after %s, from b: %q, %v", what, got, err)
		}
	}
	silent := func(what string) {
		t.Helper()
		if got, err := a.try(ctx, "/ping", nil); err == nil {
			t.Errorf("after %s it says %q", what, got)
		}
	}

	must(t, n.Stop(ctx))
	silent("stop")
	if got, err := n.Get(ctx, "/data/stopped"); err != nil || got != "cleanly" {
		t.Errorf("stopped %q, %v", got, err)
	}
	if err := n.Stop(ctx); err == nil {
		t.Error("stopped what is down")
	}
	must(t, n.Start(ctx))
	serves("stop and start")

	must(t, n.Put(ctx, File{Path: "/data/stopped", Text: "no"}))
	must(t, n.Kill(ctx))
	silent("kill")
	must(t, n.Start(ctx))
	if got := a.ask(t, "/get", url.Values{"k": {"stopped"}}); got != "no" {
		t.Errorf("killed, and yet it stopped %q", got)
	}
	serves("kill and start")
	must(t, n.Restart(ctx))
	serves("restart")

	must(t, n.Pause(ctx))
	silent("pause")
	must(t, n.Unpause(ctx))
	serves("unpause")

	// Cut off from b, it keeps its connections to us.
	keep := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{MaxConnsPerHost: 1}}
	ping := func() error {
		res, err := keep.Get("http://" + addr + "/ping")
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		return err
	}
	must(t, ping())
	must(t, n.Disconnect(ctx))
	must(t, ping())
	if got, err := fromB(); err == nil {
		t.Errorf("b reaches what was cut off: %q", got)
	}
	if got, err := a.try(ctx, "/fetch", url.Values{"url": {"http://b:7000/ping"}}); err == nil {
		t.Errorf("what was cut off reaches b: %q", got)
	}
	must(t, n.Connect(ctx))
	must(t, ping())
	serves("connect")

	must(t, n.Limit(ctx, 0.5, 64<<20))
	must(t, n.Limit(ctx, 0.25, 0))
	must(t, n.Limit(ctx, 0, 128<<20))
	res, err := r.engine.api.ContainerInspect(ctx, n.id(), client.ContainerInspectOptions{})
	must(t, err)
	if h := res.Container.HostConfig; h.NanoCPUs != 250e6 || h.Memory != 128<<20 || h.MemorySwap != 128<<20 {
		t.Errorf("limits: %d CPU, %d, %d bytes", h.NanoCPUs, h.Memory, h.MemorySwap)
	}
	serves("limit")

	// A rig with a server in each state can be removed.
	must(t, b.node.Kill(ctx))
	must(t, n.Pause(ctx))
	stop(t, r)
}

// A server that dies while it is started again is noticed at once.
func TestStartOfDead(t *testing.T) {
	a := &server{name: "a"}
	r := newRig(t, lab.Env{}, a)
	start(t, r)
	if err := a.node.Disconnect(t.Context()); err == nil {
		t.Error("cut off a server that has nobody to be cut off from")
	}
	_, _ = a.try(t.Context(), "/exit", nil)
	err := measure.Until(t.Context(), "it has exited", func(ctx context.Context) (string, bool, error) {
		b, err := a.node.state(ctx)
		return string(b), strings.Contains(string(b), `"ExitCode": 4`), err
	})
	must(t, err)
	must(t, a.node.Start(t.Context()))

	dir := t.TempDir()
	must(t, r.Evidence(t.Context(), dir))
	for name, want := range map[string]string{
		"a.log": "listening on :7000", "a.container.json": `"memory": 0`, "a.words.txt": "from the server",
	} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}
