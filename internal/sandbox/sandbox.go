// Package sandbox runs a program that nobody trusts in a container of its own.
//
// The container has no network: no way to the host, to other containers or out, and
// so nothing that would have to be filtered. The one thing that leads out is a Unix
// socket that is mounted into it. At its inner end a relay listens on 127.0.0.1 at
// the very addresses that the program was given, so that servers which tell their
// addresses themselves (Kafka, Redis Cluster) are found there, too, and so is a
// proxy of the harness. At its outer end is the harness: it connects to those
// addresses and to no others, whatever is asked of it. The way in is the same
// socket. All that the relay says is taken as said by the program.
//
// Beside the relay and the program the container has an empty file system that
// can't be written, and a small /tmp. It runs as a user that owns nothing anywhere,
// without a capability and without a way to get one; memory, processor, processes,
// files and disk are limited by its cgroup, and by rlimits where the engine has no
// such cgroup.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"faultlab/internal/engine"
	"faultlab/internal/lab"
	"faultlab/internal/owner"
)

// The limits, beside the memory that the program is given.
const (
	processes = 256 // threads count
	files     = 4096
	disk      = 64 << 20 // bytes in /tmp; they count as memory, too
	overhead  = 32 << 20 // bytes of memory for the relay
	leastData = 256 << 20
	streams   = 512 // connections through the socket at a time
)

// Serve is where the program listens, in a network of its own.
const Serve = "127.0.0.1:8080"

// Program is what to run.
type Program struct {
	Run    string            // the run that it belongs to, and is removed with
	Path   string            // a static binary for Linux, readable by everybody
	Dir    string            // a folder for the socket
	Env    map[string]string // all of its environment
	Memory int64             // bytes
	Reach  []string          // addresses of 127.0.0.1 that it may connect to, and finds under the same name
	Output io.Writer
}

// Box is a container in which a program runs.
type Box struct {
	api    *client.Client
	id     string
	dir    string
	socket *net.UnixListener
	reach  map[string]bool
	output io.Writer
	parked chan net.Conn // lead to the program, once something is said on them
	slots  chan struct{}
	end    End
	gone   chan struct{} // closed when the program has ended
	done   chan struct{} // closed when nothing is left

	mu    sync.Mutex
	peak  int64
	ended bool
	conns map[net.Conn]bool
	sends sync.WaitGroup // of what the program writes, until it is passed on
	ways  sync.WaitGroup // connections through the socket
}

// End is how a program ended.
type End struct {
	Status      int   // of exit; 128 + n after signal n
	Peak        int64 // bytes of memory that it has held, as far as is known
	OutOfMemory bool
	Err         error // the engine's: how it ended is not known
}

// Start runs the program. ctx bounds the start alone.
func Start(ctx context.Context, p Program) (_ *Box, err error) {
	place, api, err := engine.Find(ctx)
	if err != nil {
		return nil, lab.Invalidf("%v", err)
	}
	if !strings.HasPrefix(place.Host, "unix://") || runtime.GOOS != "linux" {
		_ = api.Close()
		return nil, lab.Invalidf("a program that was handed in runs in a container, which wants a Docker engine on this very machine, and that to be Linux: here is %s, with the engine at %s", runtime.GOOS, place.Host)
	}
	b := &Box{
		api: api, output: p.Output, reach: map[string]bool{}, parked: make(chan net.Conn),
		slots: make(chan struct{}, streams), conns: map[net.Conn]bool{},
		gone: make(chan struct{}), done: make(chan struct{}),
	}
	defer func() {
		if err != nil {
			b.remove()
		}
	}()
	for _, addr := range p.Reach {
		b.reach[addr] = true
	}
	image, err := ensure(ctx, api)
	if err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp(p.Dir, "box-*"); err != nil {
		return nil, err
	}
	if err := b.open(); err != nil {
		return nil, err
	}
	// A creation that we stop waiting for may still happen; let it end.
	made, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	res, err := api.ContainerCreate(made, b.options(p, image))
	if err != nil {
		return nil, fmt.Errorf("create sandbox: %w", err)
	}
	b.id = res.ID
	if _, err := api.ContainerStart(made, b.id, client.ContainerStartOptions{}); err != nil {
		return nil, fmt.Errorf("start sandbox: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	go b.wait()
	return b, nil
}

// open makes the socket; the container's user may connect to it.
func (b *Box) open() (err error) {
	if err := os.Chmod(b.dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(b.dir, "socket")
	if b.socket, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"}); err != nil {
		return err
	}
	go b.accept()
	return os.Chmod(path, 0o666)
}

func (b *Box) options(p Program, image string) client.ContainerCreateOptions {
	var env, reach []string
	for name, value := range p.Env {
		env = append(env, name+"="+value)
	}
	for addr := range b.reach {
		reach = append(reach, addr)
	}
	limit := func(name string, n int64) *container.Ulimit { return &container.Ulimit{Name: name, Soft: n, Hard: n} }
	pids, memory := int64(processes), p.Memory+disk+overhead
	return client.ContainerCreateOptions{
		Config: &container.Config{
			Image:       image,
			Entrypoint:  append([]string{"/relay", "/outside/socket", Serve}, reach...),
			Env:         env,
			WorkingDir:  "/tmp",
			User:        user(),
			Hostname:    "sandbox",
			Labels:      owner.Labels(p.Run),
			StopSignal:  "SIGKILL",
			Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
		},
		HostConfig: &container.HostConfig{
			NetworkMode:    "none",
			IpcMode:        "none", // no /dev/shm
			ReadonlyRootfs: true,
			Binds:          []string{b.dir + ":/outside:ro,z", p.Path + ":/program:ro,z"},
			Tmpfs:          map[string]string{"/tmp": fmt.Sprintf("size=%d,nr_inodes=4096,mode=1777,noexec,nosuid,nodev", disk)},
			CapDrop:        []string{"ALL"},
			SecurityOpt:    []string{"no-new-privileges"},
			LogConfig:      container.LogConfig{Type: "none"},
			Resources: container.Resources{
				Memory: memory, MemorySwap: memory,
				NanoCPUs: int64(max(1, runtime.NumCPU()-1)) * 1e9, PidsLimit: &pids,
				// What the cgroup limits already, where there is one; data is of each
				// process alone. The engine itself starts under these, and needs
				// more than some programs are given.
				Ulimits: []*container.Ulimit{
					limit("nproc", processes), limit("nofile", files), limit("fsize", disk), limit("core", 0),
					limit("data", max(p.Memory, leastData)), limit("memlock", 0), limit("msgqueue", 0),
				},
			},
		},
	}
}

// user is an account that owns nothing: a number that no system gives to anybody,
// and that is hardly used by two at a time, as processes are counted by user. It is
// below what a container's users are mapped to where the engine is not root's.
func user() string {
	id := strconv.Itoa(20_000 + rand.IntN(40_000))
	return id + ":" + id
}

// Signal sends sig to all processes.
func (b *Box) Signal(sig syscall.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := b.api.ContainerKill(ctx, b.id, client.ContainerKillOptions{Signal: strconv.Itoa(int(sig))})
	switch {
	case errdefs.IsNotFound(err), errdefs.IsConflict(err): // it has ended
		return os.ErrProcessDone
	case err != nil:
		return fmt.Errorf("signal sandbox: %w", err)
	}
	return nil
}

// Wait returns when the program has ended, and nothing is left of its container:
// what it had sent is sent, and its connections are closed.
func (b *Box) Wait() End {
	<-b.done
	return b.end
}

func (b *Box) wait() {
	defer close(b.done)
	w := b.api.ContainerWait(context.Background(), b.id, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case res := <-w.Result:
		b.end.Status = int(res.StatusCode)
		if res.Error != nil {
			b.end.Err = errors.New(res.Error.Message)
		}
	case err := <-w.Error:
		b.end.Err = err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if res, err := b.api.ContainerInspect(ctx, b.id, client.ContainerInspectOptions{}); err == nil && res.Container.State != nil {
		b.end.OutOfMemory = res.Container.State.OOMKilled
	}
	b.close()
	b.end.Peak = b.peak
	b.remove()
}

// close lets what was sent get out, and closes all connections.
func (b *Box) close() {
	close(b.gone)
	b.socket.Close() // nobody is left who could connect
	b.mu.Lock()
	b.ended = true
	b.mu.Unlock()
	sent := make(chan struct{})
	go func() { b.sends.Wait(); close(sent) }()
	select {
	case <-sent:
	case <-time.After(time.Second): // a server does not read
	}
	b.mu.Lock()
	for c := range b.conns {
		c.Close()
	}
	b.mu.Unlock()
	b.ways.Wait()
}

// remove removes whatever there is.
func (b *Box) remove() {
	if b.id != "" {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		// What is left is removed with the run.
		_, _ = b.api.ContainerRemove(ctx, b.id, client.ContainerRemoveOptions{Force: true})
	}
	if b.socket != nil {
		b.socket.Close()
	}
	if b.dir != "" {
		os.RemoveAll(b.dir)
	}
	_ = b.api.Close()
}
