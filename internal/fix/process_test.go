//go:build unix

package fix

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// The cache of binaries is the test's own; the compiler's stays.
func TestMain(m *testing.M) {
	if os.Getenv("FIX_TEST_HARNESS") != "" {
		harness()
		return
	}
	gocache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "fix")
	if err != nil {
		panic(err)
	}
	os.Setenv("GOCACHE", strings.TrimSpace(string(gocache)))
	os.Setenv("XDG_CACHE_HOME", dir)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// program builds one main package in a module of its own.
func program(t *testing.T, body string) (*Program, error) {
	t.Helper()
	dir := tree(t, map[string]string{
		"go.mod":          "module example\n\ngo 1.26\n",
		"lab/fix/main.go": body,
	})
	v, err := Read(filepath.Join(dir, "lab"), "fix", lab.Program())
	if err != nil {
		t.Fatal(err)
	}
	return Build(t.Context(), v, t.TempDir())
}

func start(t *testing.T, ctx context.Context, o Options, imports, body string) *Process {
	t.Helper()
	p, err := program(t, "package main\nimport ("+imports+")\nfunc main() {\n"+body+"\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	x, err := p.Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Kill)
	return x
}

func wait(t *testing.T, p *Process) error {
	t.Helper()
	select {
	case <-p.Done():
		return p.Err()
	case <-time.After(30 * time.Second):
		t.Fatal("the program does not end")
		return nil
	}
}

func said(t *testing.T, p *Process, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := p.Until(ctx, "the program says "+text, func(context.Context) (string, bool, error) {
		return p.Tail(5), strings.Contains(p.Tail(1000), text), nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func blamed(t *testing.T, err error, words ...string) {
	t.Helper()
	var f *lab.Fault
	if !errors.As(err, &f) || f.Check != lab.ApplyCheck {
		t.Fatalf("error %v is not a fault of %s", err, lab.ApplyCheck)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not hold %q", err, w)
		}
	}
}

func TestCompileError(t *testing.T) {
	_, err := program(t, "package main\nfunc main() {\n\tundefined()\n}\n")
	blamed(t, err, "fix does not compile:\n  | main.go:3:2: undefined: undefined")
	_, err = program(t, "package main\nimport \"example.com/nowhere\"\nfunc main() { nowhere.Go() }\n")
	blamed(t, err, "  | main.go:2:8: ", "example.com/nowhere")
	_, err = program(t, "package main\nfunc notmain() {}\n")
	blamed(t, err, "function main is undeclared")
	_, err = program(t, "package main\nfunc main() {\n")
	blamed(t, err, "  | main.go:")
}

func TestBuildIsCached(t *testing.T) {
	body := "package main\nfunc main() { println(" + strconv.FormatInt(time.Now().UnixNano(), 10) + ") }\n"
	if _, err := program(t, body); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	p, err := program(t, body)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("second build: %s", time.Since(began))
	if cache, err := Cache(); err != nil || !strings.HasPrefix(p.argv[0], cache) {
		t.Errorf("the second build gave %s, not a binary of %s (%v)", p.argv[0], cache, err)
	}
}

func TestBuildCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := tree(t, map[string]string{"go.mod": "module example\n", "fix/main.go": "package main\nfunc main() {}\n// " + t.Name()})
	v, err := Read(dir, "fix", lab.Program())
	if err != nil {
		t.Fatal(err)
	}
	_, err = Build(ctx, v, t.TempDir())
	var f *lab.Fault
	var inv *lab.Invalid
	if !errors.Is(err, context.Canceled) || errors.As(err, &f) || !errors.As(err, &inv) {
		t.Fatalf("error %v", err)
	}
}

func TestExit(t *testing.T) {
	if err := wait(t, start(t, t.Context(), Options{}, `"fmt"`, `fmt.Println("done")`)); err != nil {
		t.Errorf("status 0: %v", err)
	}
	err := wait(t, start(t, t.Context(), Options{}, `"os"; "fmt"`, `fmt.Println("PASS mysql/slow-query  (1.0 s)\r\x1b[2AFAIL"); os.Exit(7)`))
	blamed(t, err, "exit status 7", "last words:\n  | PASS mysql/slow-query  (1.0 s)\n  | FAIL")
	blamed(t, wait(t, start(t, t.Context(), Options{}, ``, `panic("oh no")`)), "exit status 2", "  | panic: oh no")
	blamed(t, wait(t, start(t, t.Context(), Options{}, `"os"`, `os.Exit(1)`)), "without a word")
}

func TestEnvironment(t *testing.T) {
	t.Setenv("SECRET", "x")
	log := filepath.Join(t.TempDir(), "log")
	p := start(t, t.Context(), Options{Env: map[string]string{"LAB_MYSQL_DSN": "dsn"}, Log: log}, `"fmt"; "os"`,
		`fmt.Println(os.Getenv("LAB_MYSQL_DSN"), os.Getenv("SECRET") == "", os.Getenv("PATH") != "")`)
	if err := wait(t, p); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(log); err != nil || string(b) != "dsn true true\n" {
		t.Errorf("log %q, %v", b, err)
	}
}

func TestHangIsCutOff(t *testing.T) {
	err := wait(t, start(t, t.Context(), Options{}, `"fmt"`, `fmt.Println("working"); select {}`))
	blamed(t, err, "all goroutines are asleep") // Go itself ends this one

	late := errors.New("too late")
	ctx, cancel := context.WithCancelCause(t.Context())
	p := start(t, ctx, Options{}, `"fmt"; "os/signal"; "syscall"; "os"`,
		`c := make(chan os.Signal, 1); signal.Notify(c, syscall.SIGTERM); fmt.Println("working"); for { <-c }`)
	said(t, p, "working")
	cancel(late)
	var f *lab.Fault
	if err := wait(t, p); !errors.Is(err, late) || errors.As(err, &f) || !strings.HasSuffix(err.Error(), "\n  | working") {
		t.Errorf("error %v", err)
	}
}

func TestUntil(t *testing.T) {
	never := func(context.Context) (string, bool, error) { return "0 rows", false, nil }
	p := start(t, t.Context(), Options{}, `"fmt"`, `fmt.Println("bye")`)
	blamed(t, p.Until(t.Context(), "all rows are in", never), "wait until all rows are in: the program ended", "0 rows", "  | bye")

	p = start(t, t.Context(), Options{}, `"time"; "fmt"`, `fmt.Println("busy"); time.Sleep(time.Hour)`)
	said(t, p, "busy")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	blamed(t, p.Until(ctx, "all rows are in", never), "deadline exceeded", "0 rows", "  | busy")

	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	var f *lab.Fault
	if err := p.Until(ctx, "all rows are in", never); err == nil || errors.As(err, &f) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestKillAndStop(t *testing.T) {
	const sleep = `fmt.Println("up"); time.Sleep(time.Hour)`
	p := start(t, t.Context(), Options{}, `"time"; "fmt"`, sleep)
	p.Kill()
	if err := p.Err(); err != nil {
		t.Errorf("killed by the harness: %v", err)
	}
	if err := p.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal after the end: %v", err)
	}
	p = start(t, t.Context(), Options{}, `"time"; "fmt"`, sleep)
	said(t, p, "up")
	if err := p.Stop(time.Minute); err != nil {
		t.Errorf("ended by SIGTERM: %v", err)
	}
	const deaf = `signal.Ignore(syscall.SIGTERM); fmt.Println("deaf"); time.Sleep(time.Hour)`
	p = start(t, t.Context(), Options{}, `"time"; "fmt"; "os/signal"; "syscall"`, deaf)
	said(t, p, "deaf")
	blamed(t, p.Stop(100*time.Millisecond), "did not stop within 100ms of SIGTERM", "  | deaf")
	const clean = `c := make(chan os.Signal, 1); signal.Notify(c, syscall.SIGTERM); fmt.Println("up"); <-c; os.Exit(3)`
	p = start(t, t.Context(), Options{}, `"os"; "fmt"; "os/signal"; "syscall"`, clean)
	said(t, p, "up")
	blamed(t, p.Stop(time.Minute), "exit status 3")
}

// alive says whether a process runs; a zombie does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func gone(t *testing.T, pid int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := measure.Until(ctx, "the child is gone", func(context.Context) (string, bool, error) {
		return "alive", !alive(pid), nil
	}); err != nil {
		t.Error(err)
	}
}

func TestChildrenGoWithIt(t *testing.T) {
	const spawn = `c := exec.Command("sleep", "3600"); c.Stdout = os.Stdout; if err := c.Start(); err != nil { panic(err) }; fmt.Println("child", c.Process.Pid);`
	const imports = `"fmt"; "os"; "os/exec"; "time"; "errors"`
	for _, c := range []struct{ name, after string }{
		{"parent ends", `_ = time.Second; _ = errors.New`},
		{"parent killed", `_ = errors.New; time.Sleep(time.Hour)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, t.Context(), Options{}, imports, spawn+c.after)
			if c.name == "parent killed" {
				said(t, p, "child")
				p.Kill()
			}
			if err := wait(t, p); err != nil {
				t.Fatal(err)
			}
			_, pid, _ := strings.Cut(p.Tail(1), "child ")
			n, err := strconv.Atoi(strings.TrimSpace(pid))
			if err != nil {
				t.Fatal(err)
			}
			gone(t, n)
		})
	}
}

func TestOutputIsCut(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	p := start(t, t.Context(), Options{Log: log}, `"fmt"; "strings"`,
		`for i := range 5000 { fmt.Println(i, strings.Repeat("x", 1000)) }; fmt.Println("the end")`)
	if err := wait(t, p); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > maxOutput+100 || !strings.HasSuffix(string(b), "\n[output cut at 1 MiB]\n") {
		t.Errorf("log has %d bytes and ends with %q", len(b), b[len(b)-30:])
	}
	if got := p.Tail(1); got != "  | the end" {
		t.Errorf("tail %q", got)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	p := start(t, t.Context(), Options{Memory: 256 << 20}, `"fmt"`,
		`var all [][]byte; for range 1000 { b := make([]byte, 1<<20); for i := range b { b[i] = 1 }; all = append(all, b) }; fmt.Println(len(all))`)
	err := wait(t, p)
	if _, serr := os.Stat("/proc/self"); serr != nil {
		t.Skip("this system does not bound it")
	}
	blamed(t, err, "MiB of the 256 MiB of memory that it may")
}

func TestCommand(t *testing.T) {
	dir := tree(t, map[string]string{"fix/app.sh": "echo \"$LAB_X in $(basename $PWD)\"; exit 4"})
	run := func(line string) error {
		v, err := Command(dir, "fix", line)
		if err != nil {
			return err
		}
		p, err := Build(t.Context(), v, t.TempDir())
		if err != nil {
			return err
		}
		x, err := p.Start(t.Context(), Options{Env: map[string]string{"LAB_X": "y"}})
		if err != nil {
			return err
		}
		return wait(t, x)
	}
	blamed(t, run("sh app.sh"), "exit status 4", "  | y in fix")
	blamed(t, run("no-such-interpreter app"), "no-such-interpreter")
	if err := run("  "); err == nil {
		t.Error("an empty command line: no error")
	}
}

// harness starts a program and waits for its own end.
func harness() {
	p := &Program{argv: []string{"/bin/sleep", "3600"}}
	x, err := p.Start(context.Background(), Options{})
	if err != nil {
		panic(err)
	}
	fmt.Println(x.running.(*spawned).cmd.Process.Pid)
	<-x.Done()
}

func TestEndsWithTheHarness(t *testing.T) {
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Skip("only Linux ties a child's life to its parent's")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "FIX_TEST_HARNESS=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	if !alive(pid) {
		t.Fatal("the program does not run")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	gone(t, pid)
}
