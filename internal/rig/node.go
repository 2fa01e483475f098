package rig

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"faultlab/internal/measure"
)

// Node is one running container of a rig.
type Node struct {
	rig *Rig
	srv Server
	// has is the digest of the files that its image has already, files of those that
	// its container was made with; put are those that had to be copied for that.
	has, files string
	put        []File

	mu        sync.Mutex
	container string
	down      bool        // it was told to end, by us
	host      map[int]int // container port, as Spec names it → host port
}

// Name is the server's name.
func (n *Node) Name() string { return n.srv.Name() }

// Server is the server that runs in it.
func (n *Node) Server() Server { return n.srv }

// Addr is the address of the container's port for clients on this machine:
// 127.0.0.1 and the host port, or the machine that DOCKER_HOST names.
func (n *Node) Addr(port int) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return net.JoinHostPort(n.rig.engine.host.String(), strconv.Itoa(n.host[port]))
}

// IP is the server's address on the rig's network, for what can't take a name
// (CLUSTER MEET). It stays the same for the whole run; in a rig of one server
// there is no such network and it is the zero Addr.
func (n *Node) IP() netip.Addr {
	if n.rig.peers == nil {
		return netip.Addr{}
	}
	return n.rig.peers.addr(slices.Index(n.rig.nodes, n))
}

// Copied are the files that were copied into the container when it was made: all
// that the server needs, or none, if the image has them.
func (n *Node) Copied() []File { return n.put }

func (n *Node) id() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.container
}

// at picks the host port of a container's port, once.
func (n *Node) at(port int) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if p, ok := n.host[port]; ok {
		return p, nil
	}
	wanted := 0
	if before := n.rig.env.After; before != nil {
		wanted = before.Ports[n.Name()][port]
	}
	p, err := n.rig.ports.pick(wanted)
	if err != nil {
		return 0, err
	}
	if n.host == nil {
		n.host = map[int]int{}
	}
	n.host[port] = p
	return p, nil
}

// spec asks the server for its container with the ports it has here.
func (n *Node) spec() (s Spec, err error) {
	s = n.srv.Spec(n.rig.images[n.srv.Engine()], func(port int) int {
		p, perr := n.at(port)
		if perr != nil {
			err = perr
		}
		return p
	})
	for _, p := range s.Ports {
		if _, perr := n.at(p); perr != nil {
			err = perr
		}
	}
	if len(s.Cmd) == 0 || len(s.Ports) == 0 {
		return s, fmt.Errorf("start %s: its Spec has no command or no port", n.Name())
	}
	return s, err
}

// launch makes the node's container from image and starts it. A host port that
// somebody took is given up for another.
func (n *Node) launch(ctx context.Context, image string) error {
	for try := 1; ; try++ {
		err := n.create(ctx, image)
		if before := n.rig.env.After; err == nil && before != nil {
			err = before.Gone(ctx)
		}
		if err == nil {
			err = n.run(ctx)
		}
		if try == 5 || !portConflict(err) {
			return n.fault("start", err)
		}
		if err := removeContainer(ctx, n.rig.engine, n.id()); err != nil {
			return err
		}
		n.mu.Lock()
		n.host = nil
		n.mu.Unlock()
	}
}

// create makes the container, with its files, on the rig's network.
func (n *Node) create(ctx context.Context, image string) error {
	spec, err := n.spec()
	if err != nil {
		return err
	}
	r := n.rig
	var expose []string
	bind := network.PortMap{}
	for _, p := range spec.Ports {
		inside := p
		if spec.Same {
			inside = n.host[p]
		}
		port, ok := network.PortFrom(uint16(inside), network.TCP)
		if !ok {
			return fmt.Errorf("publish port %d: no such port", inside)
		}
		expose = append(expose, port.String())
		bind[port] = []network.PortBinding{{HostIP: r.engine.host, HostPort: strconv.Itoa(n.host[p])}}
	}
	req := testcontainers.ContainerRequest{
		Name:         fmt.Sprintf("faultlab-%s-%s", r.env.ID, n.Name()),
		Image:        image,
		Entrypoint:   spec.Cmd[:1],
		Cmd:          spec.Cmd[1:],
		Env:          spec.Env,
		ExposedPorts: expose,
		Tmpfs:        spec.Tmpfs,
		Labels:       r.labels(n.Name()),
		ConfigModifier: func(c *container.Config) {
			c.Hostname = n.Name()
			c.User = spec.User
			c.StopSignal = "SIGTERM"
			c.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}} // it would cost the server time
		},
		HostConfigModifier: func(h *container.HostConfig) {
			h.PortBindings = bind
			h.Resources = resources(spec.CPUs, spec.Memory)
			h.ExtraHosts = r.hosts()
			h.LogConfig = container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "16m"}}
		},
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	// A creation that we stop waiting for may still happen; let it end.
	made, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	c, err := r.engine.tc.CreateContainer(made, req)
	if c != nil {
		n.mu.Lock()
		n.container = c.GetContainerID()
		n.mu.Unlock()
	}
	if err != nil {
		return err
	}
	files := spec.Files
	if x, ok := n.srv.(Explorable); ok { // now, since once more would cost a start a twentieth
		files = slices.Concat(files, x.Shell(n.Image()).Files)
	}
	n.files, n.put = digest(files), nil
	if n.files != n.has { // a copy costs more than the creation
		if err := n.Put(ctx, files...); err != nil {
			return err
		}
		n.put = files
	}
	if r.peers != nil {
		return r.peers.connect(ctx, n)
	}
	return nil
}

func digest(files []File) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%q %q %o\n", f.Path, f.Text, f.Mode)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func resources(cpus float64, memory int64) container.Resources {
	// Swap would turn "out of memory" into "slow".
	return container.Resources{NanoCPUs: int64(cpus * 1e9), Memory: memory, MemorySwap: memory}
}

// run starts the container's process.
func (n *Node) run(ctx context.Context) error {
	_, err := n.rig.engine.api.ContainerStart(ctx, n.id(), client.ContainerStartOptions{})
	if err == nil {
		n.setDown(false)
	}
	return err
}

func (n *Node) setDown(down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = down
}

// readyLimit ends the waiting for a server that is up and never serves.
const readyLimit = 2 * time.Minute

// await returns when the server serves. If its container exits first, the
// error comes at once. It ends with the last lines of the server's log.
func (n *Node) await(ctx context.Context) error {
	err := n.serves(ctx)
	if err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if tail, lerr := n.logs(ctx, "20"); lerr == nil && len(tail) > 0 {
		return fmt.Errorf("start %s: %w; the end of its log:\n%s", n.Name(), err, indent(tail))
	}
	return fmt.Errorf("start %s: %w; its log is empty", n.Name(), err)
}

func (n *Node) serves(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, readyLimit)
	defer stop()
	alive, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	go func() {
		w := n.rig.engine.api.ContainerWait(alive, n.id(), client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
		select {
		case res := <-w.Result:
			fail(fmt.Errorf("it exited with status %d", res.StatusCode))
		case <-alive.Done(): // or the engine is gone, which Ready tells
		}
	}()
	return measure.Until(alive, n.Name()+" serves", func(ctx context.Context) (string, bool, error) {
		err := n.srv.Ready(ctx, n)
		return "", err == nil, err
	})
}

func indent(b []byte) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(string(b)), "\n", "\n  ")
}

// ExecError is a command in a container that ended with another status than 0.
type ExecError struct {
	Node   string
	Cmd    []string
	Status int
	Stderr string
}

func (e *ExecError) Error() string {
	return fmt.Sprintf("exec %s on %s: exit status %d: %s", e.Cmd[0], e.Node, e.Status, strings.TrimSpace(e.Stderr))
}

// Exec runs a command in the container and returns what it wrote to standard
// output. A status other than 0 is an *ExecError with its standard error. When
// ctx ends, Exec returns, while the command may go on.
func (n *Node) Exec(ctx context.Context, cmd ...string) (string, error) {
	return n.Pipe(ctx, nil, cmd...)
}

// Pipe is Exec with in as the command's standard input.
func (n *Node) Pipe(ctx context.Context, in io.Reader, cmd ...string) (string, error) {
	api := n.rig.engine.api
	wrap := func(err error) error { return fmt.Errorf("exec %s on %s: %w", cmd[0], n.Name(), err) }
	ex, err := api.ExecCreate(ctx, n.id(), client.ExecCreateOptions{
		Cmd: cmd, AttachStdin: in != nil, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return "", wrap(err)
	}
	conn, err := api.ExecAttach(ctx, ex.ID, client.ExecAttachOptions{})
	if err != nil {
		return "", wrap(err)
	}
	defer conn.Close()
	unlink := context.AfterFunc(ctx, conn.Close)
	defer unlink()
	if in != nil {
		go func() {
			_, _ = io.Copy(conn.Conn, in)
			_ = conn.CloseWrite()
		}()
	}
	var out, errout bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &errout, conn.Reader); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return out.String(), wrap(err)
	}
	status := 0
	// The streams end a moment before the engine knows the status.
	err = measure.Until(ctx, "the command has ended", func(ctx context.Context) (string, bool, error) {
		res, err := api.ExecInspect(ctx, ex.ID, client.ExecInspectOptions{})
		status = res.ExitCode
		return "running", !res.Running, err
	})
	if err != nil {
		return out.String(), wrap(err)
	}
	if status != 0 {
		return out.String(), &ExecError{Node: n.Name(), Cmd: cmd, Status: status, Stderr: errout.String()}
	}
	return out.String(), nil
}

// Logs is all that the server wrote to its standard output and error since
// its container was made.
func (n *Node) Logs(ctx context.Context) ([]byte, error) { return n.logs(ctx, "all") }

func (n *Node) logs(ctx context.Context, tail string) ([]byte, error) {
	rc, err := n.rig.engine.api.ContainerLogs(ctx, n.id(), client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: tail})
	if err != nil {
		return nil, fmt.Errorf("read log of %s: %w", n.Name(), err)
	}
	defer rc.Close()
	var b bytes.Buffer
	if _, err := stdcopy.StdCopy(&b, &b, rc); err != nil {
		return nil, fmt.Errorf("read log of %s: %w", n.Name(), err)
	}
	return b.Bytes(), nil
}

// Put writes files into the container; missing folders are made.
func (n *Node) Put(ctx context.Context, files ...File) error {
	if len(files) == 0 {
		return nil
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		mode := f.Mode
		if mode == 0 {
			mode = 0o644
		}
		h := &tar.Header{Name: strings.TrimPrefix(path.Clean(f.Path), "/"), Mode: mode, Size: int64(len(f.Text)), ModTime: time.Now()}
		if err := w.WriteHeader(h); err != nil {
			return fmt.Errorf("pack %s: %w", f.Path, err)
		}
		_, _ = io.WriteString(w, f.Text)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("pack files: %w", err)
	}
	_, err := n.rig.engine.api.CopyToContainer(ctx, n.id(), client.CopyToContainerOptions{DestinationPath: "/", Content: &b})
	if err != nil {
		return fmt.Errorf("copy files to %s: %w", n.Name(), err)
	}
	return nil
}

// Get reads one file of the container, running or not.
func (n *Node) Get(ctx context.Context, name string) (string, error) {
	res, err := n.rig.engine.api.CopyFromContainer(ctx, n.id(), client.CopyFromContainerOptions{SourcePath: name})
	if err != nil {
		return "", fmt.Errorf("read %s on %s: %w", name, n.Name(), err)
	}
	defer res.Content.Close()
	t := tar.NewReader(res.Content)
	h, err := t.Next()
	if err != nil {
		return "", fmt.Errorf("read %s on %s: %w", name, n.Name(), err)
	}
	if h.Typeflag != tar.TypeReg {
		return "", fmt.Errorf("read %s on %s: not a plain file", name, n.Name())
	}
	b, err := io.ReadAll(t)
	if err != nil {
		return "", fmt.Errorf("read %s on %s: %w", name, n.Name(), err)
	}
	return string(b), nil
}
