package rig

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"

	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"

	"faultlab/internal/engine"
	"faultlab/internal/lab"
)

// daemon is the Docker engine that the servers run on.
type daemon struct {
	tc   *testcontainers.DockerProvider
	api  client.APIClient
	info system.Info
	// host is where published ports are, and are reached: 127.0.0.1, or the
	// address of the machine that DOCKER_HOST names.
	host netip.Addr
}

// connect finds the engine and silences what testcontainers would say and do
// beside running containers.
func connect(ctx context.Context) (*daemon, error) {
	place, api, err := engine.Find(ctx)
	if err != nil {
		return nil, lab.Invalidf("%v", err)
	}
	defer func() { _ = api.Close() }()
	if err := place.Setenv(); err != nil { // testcontainers looks by itself
		return nil, fmt.Errorf("set DOCKER_HOST: %w", err)
	}
	// testcontainers' reaper would end servers that are meant to outlive their
	// process, and its image can't be had everywhere; sweep does that work. The
	// variable is read once, before the first provider.
	if err := os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true"); err != nil {
		return nil, fmt.Errorf("set TESTCONTAINERS_RYUK_DISABLED: %w", err)
	}
	// Nothing mounts the engine's socket, which testcontainers would look for by
	// asking the engine twice.
	if err := os.Setenv("TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE", "/var/run/docker.sock"); err != nil {
		return nil, fmt.Errorf("set TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE: %w", err)
	}
	log.SetDefault(log.NewNoopLogger())
	// The default provider knows what Podman calls its default network; asked
	// for without that name, testcontainers makes one of its own and leaves it.
	p, err := testcontainers.ProviderDefault.GetProvider(testcontainers.WithLogger(log.NewNoopLogger()))
	if err != nil {
		return nil, lab.Invalidf("the Docker engine at %s does not work: %v", place.Host, err)
	}
	tc := p.(*testcontainers.DockerProvider)
	e := &daemon{tc: tc, api: tc.Client()}
	res, err := e.api.Info(ctx, client.InfoOptions{}) // testcontainers has it from its own start
	if err != nil {
		return nil, lab.Invalidf("the Docker engine at %s does not work: %v", place.Host, err)
	}
	e.info = res.Info
	if e.host, err = publishedOn(ctx, e.api.DaemonHost()); err != nil {
		return nil, err
	}
	return e, nil
}

// close closes idle connections, which can't fail in a way that matters.
func (e *daemon) close() { _ = e.tc.Close() }

// publishedOn is the address that servers' ports are published on. Testing for
// /.dockerenv, as testcontainers does, is no proof that we are in a container.
func publishedOn(ctx context.Context, daemon string) (netip.Addr, error) {
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	u, err := url.Parse(daemon)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("parse address of the Docker engine: %w", err)
	}
	switch u.Scheme {
	case "tcp", "http", "https", "ssh":
	default:
		return loopback, nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", u.Hostname())
	if err != nil {
		return netip.Addr{}, lab.Invalidf("the Docker engine's host %s has no IPv4 address to publish ports on: %v", u.Hostname(), err)
	}
	return addrs[0].Unmap(), nil
}

// here says that the engine publishes ports on this very machine.
func (e *daemon) here() bool { return e.host.IsLoopback() }

// room is what a lab is reckoned to need beside a core: its servers, its load, and
// the programs that are built meanwhile.
const room = 2 << 30

// slots is how many labs may run at a time: one for each core, as far as there is
// memory. A run waits most of its time, for servers to start and disks to write, and
// counters decide, which don't mind a busy core: on two cores, two at a time get half
// as much done again.
func (e *daemon) slots() int {
	n := e.info.NCPU
	if e.info.MemTotal > 0 {
		n = min(n, int(e.info.MemTotal/room))
	}
	return max(1, n)
}

// Turns is how many labs this machine runs at a time; one where no engine says more.
func Turns(ctx context.Context) int {
	e, err := connect(ctx)
	if err != nil {
		return 1
	}
	defer e.close()
	return e.slots()
}

// fits says in one sentence what the lab needs and the engine lacks.
func (e *daemon) fits(ctx context.Context, env lab.Env) error {
	const mib = 1 << 20
	if have := e.info.MemTotal / mib; e.info.MemTotal > 0 && int64(env.Memory) > have {
		return lab.Invalidf("%s needs %d MiB of memory, the Docker engine has %d MiB: give it more", env.Lab, env.Memory, have)
	}
	if !e.here() {
		return nil
	}
	// Inside a virtual machine the folder is not ours to see; then we don't know.
	if use, err := disk.UsageWithContext(ctx, e.info.DockerRootDir); err == nil {
		if have := use.Free / mib; uint64(env.Disk) > have {
			return lab.Invalidf("%s needs %d MiB of disk, %s has %d MiB free: make room, `lab clean` removes snapshots", env.Lab, env.Disk, e.info.DockerRootDir, have)
		}
	}
	return nil
}
