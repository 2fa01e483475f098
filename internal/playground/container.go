package playground

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
	"github.com/moby/term"

	"faultlab/internal/engine"
	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// nobody is who a learner is in a container: enough for every client, too
// little to end the server.
const nobody = "65534"

// Streams are where a command's input comes from and its output goes to.
type Streams struct {
	In       *os.File
	Out, Err *os.File
}

// terminal says whether a person sits at both ends.
func (s Streams) terminal() bool { return term.IsTerminal(s.In.Fd()) && term.IsTerminal(s.Out.Fd()) }

// Exec runs a command in the server's container, the server's own client if
// there is none, and returns its exit status. At a terminal the command has one
// too; else its streams are passed through as they are.
func (srv Server) Exec(ctx context.Context, cmd []string, s Streams) (status int, err error) {
	if len(cmd) == 0 {
		if srv.Shell.HTTP != "" {
			return console(ctx, srv, s)
		}
		cmd = srv.Shell.Cmd
	}
	if len(cmd) == 0 {
		return 0, fmt.Errorf("%s has no client of its own: say which command to run, after --", srv.Name)
	}
	api, err := engine.Client(ctx)
	if err != nil {
		return 0, lab.Invalidf("%v", err)
	}
	defer api.Close()
	x := execution{api: api, tty: s.terminal()}
	env := []string{}
	for name, value := range srv.Shell.Env {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	o := client.ExecCreateOptions{
		User: nobody, Cmd: cmd, Env: env, TTY: x.tty, AttachStdin: true, AttachStdout: true, AttachStderr: true,
	}
	if x.tty {
		if name := os.Getenv("TERM"); name != "" {
			o.Env = append(o.Env, "TERM="+name)
		}
		o.ConsoleSize = size(s.Out)
		o.Cmd = sized(cmd, o.ConsoleSize)
	}
	created, err := api.ExecCreate(ctx, srv.Container, o)
	switch {
	case errdefs.IsNotFound(err), errdefs.IsConflict(err):
		return 0, fmt.Errorf("%s does not run: lab reset brings the playground up anew", srv.Name)
	case err != nil:
		return 0, fmt.Errorf("run %s in %s: %w", cmd[0], srv.Name, err)
	}
	x.id = created.ID
	if err := x.attach(ctx, o.ConsoleSize, s); err != nil {
		return 0, fmt.Errorf("run %s in %s: %w", cmd[0], srv.Name, err)
	}
	return x.status(ctx)
}

// execution is a command in a container.
type execution struct {
	api *client.Client
	id  string
	tty bool
}

// attach starts the command and passes its streams through until it ends.
func (x execution) attach(ctx context.Context, size client.ConsoleSize, s Streams) error {
	conn, err := x.api.ExecAttach(ctx, x.id, client.ExecAttachOptions{TTY: x.tty, ConsoleSize: size})
	if err != nil {
		return err
	}
	defer conn.Close()
	unlink := context.AfterFunc(ctx, conn.Close)
	defer unlink()
	if x.tty {
		// Keys go to the command, Ctrl-C among them.
		in, ierr := term.SetRawTerminal(s.In.Fd())
		if ierr == nil {
			defer term.RestoreTerminal(s.In.Fd(), in)
		}
		out, oerr := term.SetRawTerminalOutput(s.Out.Fd())
		if oerr == nil && out != nil {
			defer term.RestoreTerminal(s.Out.Fd(), out)
		}
		stop := x.resize(ctx, s.Out)
		defer stop()
	}
	go func() { // ends with the process at the latest: reading a terminal can't be cut off
		_, _ = io.Copy(conn.Conn, s.In)
		_ = conn.CloseWrite()
	}()
	if x.tty {
		_, err = io.Copy(s.Out, conn.Reader)
	} else {
		_, err = stdcopy.StdCopy(s.Out, s.Err, conn.Reader)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// resize keeps the command's terminal as large as ours.
func (x execution) resize(ctx context.Context, out *os.File) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	changed, unlisten := windowChanges()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-changed:
				now := size(out)
				_, _ = x.api.ExecResize(ctx, x.id, client.ExecResizeOptions(now))
			}
		}
	}()
	return func() { cancel(); unlisten() }
}

// sized runs cmd on a terminal of that size from its first moment on: engines
// before API 1.42 start it with none, and a client that finds no width asks the
// terminal for it, whose answer looks like typed.
func sized(cmd []string, s client.ConsoleSize) []string {
	const set = `stty rows "$1" cols "$2" 2>/dev/null; shift 2; exec "$@"`
	return append([]string{"sh", "-c", set, "sh", fmt.Sprint(s.Height), fmt.Sprint(s.Width)}, cmd...)
}

func size(f *os.File) client.ConsoleSize {
	w, err := term.GetWinsize(f.Fd())
	if err != nil {
		return client.ConsoleSize{}
	}
	return client.ConsoleSize{Height: uint(w.Height), Width: uint(w.Width)}
}

// status is the command's; the streams end a moment before it is known.
func (x execution) status(ctx context.Context) (code int, err error) {
	err = measure.Until(ctx, "the command has ended", func(ctx context.Context) (string, bool, error) {
		res, err := x.api.ExecInspect(ctx, x.id, client.ExecInspectOptions{})
		code = res.ExitCode
		return "it runs", !res.Running, err
	})
	return code, err
}

// Logs writes what the server wrote since its container was made, and with
// follow goes on until ctx ends.
func (srv Server) Logs(ctx context.Context, follow bool, out, errout io.Writer) error {
	api, err := engine.Client(ctx)
	if err != nil {
		return lab.Invalidf("%v", err)
	}
	defer api.Close()
	rc, err := api.ContainerLogs(ctx, srv.Container, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Follow: follow})
	if err != nil {
		return fmt.Errorf("read log of %s: %w", srv.Name, err)
	}
	defer rc.Close()
	if _, err := stdcopy.StdCopy(out, errout, rc); err != nil && ctx.Err() == nil {
		return fmt.Errorf("read log of %s: %w", srv.Name, err)
	}
	return nil
}
