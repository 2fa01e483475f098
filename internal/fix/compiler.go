package fix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"faultlab/internal/lab"
)

// compiler builds programs of a module.
type compiler struct {
	tool, dir string
	strange   bool // the source is of somebody whom nobody trusts
	scratch   string
	env       []string
}

// What the build of a strange program may take, of each process of the compiler's.
// The largest of the labs' own takes 0.5 GiB, and is of 10 MB.
const (
	buildMemory = 2 << 30   // bytes
	buildFile   = 256 << 20 // bytes
)

// newCompiler builds in m; what is left of builds goes with scratch. A strange program
// is built without a network, and with nothing of what this user has set for Go but
// the place of its caches.
func newCompiler(ctx context.Context, m module, strange bool, scratch string) (*compiler, error) {
	tool, err := exec.LookPath("go")
	if err != nil {
		return nil, lab.Invalidf("the go command is not on PATH: install Go, it builds the fix")
	}
	c := &compiler{tool: tool, dir: m.root, strange: strange, scratch: scratch}
	if !strange {
		c.env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
		return c, nil
	}
	var places map[string]string
	cmd := exec.CommandContext(ctx, tool, "env", "-json", "GOCACHE", "GOMODCACHE")
	cmd.Dir = scratch
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &places)
	}
	if err != nil {
		return nil, fmt.Errorf("ask go for its caches: %w", err)
	}
	for _, name := range inherited {
		if value, ok := os.LookupEnv(name); ok {
			c.env = append(c.env, name+"="+value)
		}
	}
	for name, value := range places {
		c.env = append(c.env, name+"="+value)
	}
	c.env = append(c.env,
		"CGO_ENABLED=0", // a C compiler does what its flags say, and those are the source's
		"GOENV=off", "GO111MODULE=on", "GOWORK=off", "GOPROXY=off", "GOSUMDB=off", "GOVCS=*:off",
		"GOTMPDIR="+scratch, fmt.Sprintf("GOMEMLIMIT=%d", buildMemory*8/10),
	)
	return c, nil
}

// build compiles what is to bin, and returns what the compiler said.
func (c *compiler) build(ctx context.Context, what, bin string) (string, error) {
	argv := []string{c.tool, "build", "-mod=readonly", "-buildvcs=false", "-ldflags=-s -w", "-o", bin, what}
	cmd := exec.Command(argv[0], argv[1:]...)
	if c.strange {
		cmd = bounded(argv, buildMemory, buildFile)
	}
	out := new(output)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.dir, c.env, out, out
	cmd.WaitDelay = time.Second
	if err := ctx.Err(); err != nil {
		return "", context.Cause(ctx)
	}
	var g group
	if err := g.start(cmd, buildMemory); err != nil {
		return "", err
	}
	// The go command alone would leave its compilers behind.
	stop := context.AfterFunc(ctx, func() { _ = g.signal(syscall.SIGKILL) })
	err := cmd.Wait()
	if !stop() {
		err = errors.Join(context.Cause(ctx), err)
	}
	g.close()
	return out.tail(), err
}

// works says whether anything can be built here: then what did not compile has
// itself to blame, whatever it makes the compiler say.
func (c *compiler) works(ctx context.Context) bool {
	dir, err := os.MkdirTemp(c.scratch, "works-*")
	if err != nil {
		return false
	}
	defer os.RemoveAll(dir)
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, buildLimit)
	defer cancel()
	_, err = c.build(ctx, source, filepath.Join(dir, "works"+exe))
	return err == nil
}
