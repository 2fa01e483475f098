package rig

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"faultlab/docker"
	"faultlab/internal/lab"
	"faultlab/internal/owner"
)

// childEnv makes the test binary a process that starts a rig and waits to be
// killed. It holds: run id, folder of locks, image name, "keep" or nothing.
const childEnv = "FAULTLAB_RIG_TEST_CHILD"

func child() {
	args := strings.Split(os.Getenv(childEnv), "|")
	r := New(lab.Env{ID: args[0], Lab: "test/child"})
	r.state = args[1]
	r.ensure = func(context.Context, string, func(string, ...any)) (docker.Image, error) {
		return docker.Image{Name: args[2]}, nil
	}
	if args[3] == "keep" {
		r.Keep()
	}
	for _, name := range []string{"a", "b"} {
		s := &server{name: name, rig: r}
		s.node = r.Add(s)
	}
	if _, _, err := r.Start(context.Background()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("started")
	select {}
}

// startChild runs such a process until its servers are up.
func startChild(t *testing.T, run, mode string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join([]string{run, t.TempDir(), image.Name, mode}, "|"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		e, err := connect(context.Background())
		if err == nil {
			defer e.close()
			err = remove(context.Background(), e, owner.Run+"="+run, nil, t.Logf)
		}
		if err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "started\n" {
		t.Fatalf("child: %q, %v", line, err)
	}
	return cmd
}

// kill ends a child as the kernel would.
func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
}

func TestSweep(t *testing.T) {
	id, kept := randomHex(4), randomHex(4)
	dies, keeps := startChild(t, id, ""), startChild(t, kept, "keep")
	kill(t, keeps)

	// A living owner's servers are left alone.
	r := newRig(t, lab.Env{}, &server{name: "a"})
	start(t, r)
	stop(t, r)
	if left := remains(t, id); len(left) != 3 {
		t.Fatalf("a living owner has %v, want two containers and a network", left)
	}

	kill(t, dies)
	start(t, newRig(t, lab.Env{}, &server{name: "a"}))
	if left := remains(t, id); len(left) != 0 {
		t.Errorf("a dead owner still has %v", left)
	}
	if left := remains(t, kept); len(left) != 3 {
		t.Errorf("of servers meant to be kept %v are left", left)
	}

	// Clean takes those too, when asked for all. It is given no snapshots here.
	e, err := connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	if err := remove(t.Context(), e, owner.Run+"="+kept, func(l map[string]string) bool { return leftover(l, false) }, say); err != nil || len(said) != 0 {
		t.Errorf("clean: %v, said %q", err, said)
	}
	if err := remove(t.Context(), e, owner.Run+"="+kept, func(l map[string]string) bool { return leftover(l, true) }, say); err != nil || len(said) != 3 {
		t.Errorf("clean all: %v, said %q", err, said)
	}
}
