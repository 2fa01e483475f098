//go:build linux

package fix

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// boxed starts a program in a sandbox; it needs a Docker engine.
func boxed(t *testing.T, o Options, imports, body string) *Service {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a Docker engine")
	}
	p, err := program(t, "package main\nimport ("+imports+")\nfunc main() {\n"+body+"\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	p.run = fmt.Sprintf("test-%d", time.Now().UnixNano())
	s, err := p.Serve(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

// echo is a server of this machine that answers a line with itself.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				line, _ := bufio.NewReader(c).ReadString('\n')
				_, _ = io.WriteString(c, line)
			}()
		}
	}()
	return l.Addr().String()
}

// A program in a sandbox finds what it was told of where it was told, and is
// found where it was told to listen.
func TestSandboxServes(t *testing.T) {
	s := boxed(t, Options{Env: map[string]string{"LAB_SERVER": echo(t)}}, `"bufio"; "fmt"; "net"; "net/http"; "os"; "time"`, `
	began := time.Now()
	http.ListenAndServe(os.Getenv("LAB_LISTEN"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/die" { fmt.Println("dies"); os.Exit(3) }
		c, err := net.Dial("tcp", os.Getenv("LAB_SERVER"))
		if err != nil { panic(err) }
		fmt.Fprintln(c, r.URL.Path)
		line, err := bufio.NewReader(c).ReadString('\n')
		fmt.Fprint(w, line, err, time.Since(began) > 0)
	}))`)
	if err := s.Listening(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		path := fmt.Sprintf("/%d", i)
		if status, text, err := s.Ask(t.Context(), http.MethodGet, path, ""); status != http.StatusOK || text != path+"\n<nil> true" || err != nil {
			t.Fatalf("answered %d %q, %v", status, text, err)
		}
	}
	_, _, err := s.Ask(t.Context(), http.MethodGet, "/die", "")
	blamed(t, err, "exit status 3", "  | dies")
}

func TestSandboxEnds(t *testing.T) {
	blamed(t, wait(t, boxed(t, Options{}, ``, `panic("oh no")`).Process), "exit status 2", "  | panic: oh no")
	if err := wait(t, boxed(t, Options{}, `"fmt"`, `fmt.Println("done")`).Process); err != nil {
		t.Error(err)
	}
	s := boxed(t, Options{}, `"fmt"; "time"`, `fmt.Println("up"); time.Sleep(time.Minute)`)
	said(t, s.Process, "up")
	if err := s.Stop(20 * time.Second); err != nil {
		t.Errorf("ended by SIGTERM: %v", err)
	}
	s = boxed(t, Options{}, `"fmt"; "time"; "os/signal"; "syscall"`, `signal.Ignore(syscall.SIGTERM); fmt.Println("deaf"); time.Sleep(time.Minute)`)
	said(t, s.Process, "deaf")
	blamed(t, s.Stop(500*time.Millisecond), "did not stop within 500ms of SIGTERM")
	if err := s.Signal(syscall.SIGTERM); err != os.ErrProcessDone { //nolint:errorlint // itself
		t.Errorf("signal after the end: %v", err)
	}
}

// What a program tries is refused, and what it takes is bounded. Each attempt ends
// by itself before it could harm the machine.
func TestSandboxHolds(t *testing.T) {
	secret, forbidden := filepath.Join(t.TempDir(), "secret"), echo(t)
	if err := os.WriteFile(secret, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "log")
	for _, c := range []struct{ name, imports, body, want string }{
		{"who it is", `"fmt"; "os"`, `fmt.Println(os.Getuid() >= 20000, os.Getgid() == os.Getuid(), len(os.Args), len(os.Environ()))`, "true true 1 4"},
		{"file of the host", `"fmt"; "os"`, `_, err := os.Stat("` + secret + `"); fmt.Println(err != nil)`, "true"},
		{"Docker's socket", `"fmt"; "os"`, `for _, p := range []string{"/var/run/docker.sock", "/run/docker.sock"} { _, err := os.Stat(p); fmt.Println(err != nil) }`, "true\ntrue"},
		{"another address", `"fmt"; "net"; "time"`, `_, err := net.DialTimeout("tcp", "` + forbidden + `", time.Second); fmt.Println(err)`, "refused"},
		{"another address by the socket", `"fmt"; "net"; "io"`, `c, _ := net.Dial("unix", "/outside/socket"); fmt.Fprintln(c, "dial ` + forbidden + `"); fmt.Fprintln(c, "hello"); b, _ := io.ReadAll(c); fmt.Println(len(b))`, "0"},
		{"interfaces", `"fmt"; "net"`, `l, _ := net.Interfaces(); fmt.Println(len(l), l[0].Name)`, "1 lo"},
		{"write outside of /tmp", `"fmt"; "os"`, `for _, p := range []string{"/x", "/outside/x", "/program", "/relay", "/dev/x", "/dev/shm/x", "/etc/x", "/run/x"} { fmt.Print(os.WriteFile(p, nil, 0o644) != nil, " ") }`, strings.Repeat("true ", 8)},
		{"fill /tmp", `"fmt"; "os"`, `n := 0; b := make([]byte, 1<<20); for i := range 200 { if os.WriteFile(fmt.Sprint("/tmp/", i), b, 0o644) != nil { break }; n++ }; fmt.Println(n < 65)`, "true"},
		{"root by its own means", `"fmt"; "syscall"`, `fmt.Println(syscall.Setuid(0) != nil, syscall.Mount("x", "/tmp", "tmpfs", 0, "") != nil, syscall.Unshare(syscall.CLONE_NEWUSER) != nil)`, "true true true"},
		{"many processes", `"fmt"; "os"; "os/exec"; "time"`, `
	if len(os.Args) > 1 { time.Sleep(20*time.Second); return }
	n := 0
	for range 200 { c := exec.Command("/program", "child"); if c.Start() != nil { break }; n++ }
	fmt.Println(n < 200)`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := boxed(t, Options{Log: log}, c.imports, c.body)
			err := wait(t, s.Process)
			if got := strings.ReplaceAll(s.Tail(10), "  | ", ""); c.want != "" && (err != nil || !strings.Contains(got, strings.TrimSpace(c.want))) {
				t.Errorf("said %q, %v; want %q", got, err, c.want)
			} else if c.want == "" && strings.Contains(got, "false") {
				t.Errorf("said %q: it could", got)
			}
		})
	}
}

func TestSandboxMemory(t *testing.T) {
	s := boxed(t, Options{Memory: 256 << 20}, `"fmt"`,
		`var all [][]byte; for range 1000 { b := make([]byte, 1<<20); for i := range b { b[i] = 1 }; all = append(all, b) }; fmt.Println(len(all))`)
	blamed(t, wait(t, s.Process), "MiB of the 256 MiB of memory that it may")
}
