package rig

import (
	"strings"
	"testing"

	"github.com/moby/moby/client"

	"faultlab/internal/lab"
)

func TestOutage(t *testing.T) {
	s := &server{name: "a"}
	r := newRig(t, lab.Env{}, s)
	start(t, r)
	ctx, n := t.Context(), s.node
	none := func(what string) {
		t.Helper()
		if err := r.Outage(ctx); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	out := func(what, want string) {
		t.Helper()
		if err := r.Outage(ctx); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	none("it runs")
	must(t, n.Pause(ctx))
	none("paused")
	must(t, n.Unpause(ctx))
	must(t, n.Stop(ctx))
	none("stopped by the lab")
	must(t, n.Start(ctx))
	none("started again")
	_, err := r.engine.api.ContainerStop(ctx, n.Container(), client.ContainerStopOptions{})
	must(t, err)
	out("stopped by somebody", "a was stopped from outside while the lab ran")
	_, err = r.engine.api.ContainerRemove(ctx, n.Container(), client.ContainerRemoveOptions{})
	must(t, err)
	out("removed by somebody", "the container of a was removed")
}
