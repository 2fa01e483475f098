//go:build unix

package engine

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const setup = "../../scripts/setup"

// scripts/setup looks at the same sockets.
func TestSetupKnowsTheSockets(t *testing.T) {
	b, err := os.ReadFile(setup)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths("HOME", "RUNTIME") {
		path = strings.TrimPrefix(path, "HOME/")
		path = strings.Replace(path, "RUNTIME/", "$XDG_RUNTIME_DIR/", 1)
		if !strings.Contains(string(b), path) {
			t.Errorf("scripts/setup does not look at %s", path)
		}
	}
}

// What scripts/setup cannot mend it says in one sentence, with the exit status
// of a run that is nobody's fault.
func TestSetupSays(t *testing.T) {
	script := func(t *testing.T, goSays string) (dir string) {
		dir = t.TempDir() // holds all that the script needs of the path
		for _, tool := range []string{"sh", "dirname", "sed", "sort", "head", "grep", "id", "uname", "cat"} {
			path, err := exec.LookPath(tool)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(path, filepath.Join(dir, tool)); err != nil {
				t.Fatal(err)
			}
		}
		if goSays != "" {
			if err := os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\n"+goSays+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	for name, c := range map[string]struct{ goSays, host, want string }{
		"no Go":          {"", "", "setup: Go is missing: install Go 1."},
		"old Go":         {"echo go version go1.19.8 linux/amd64", "", "setup: Go is too old: this machine has 1.19.8, faultlab needs 1."},
		"Go of one day":  {"exit 1", "", "setup: Go is too old: this machine has "},
		"nobody there":   {"echo go version go1.999.1 linux/amd64", "tcp://127.0.0.1:1", "setup: no Docker engine answers at DOCKER_HOST=tcp://127.0.0.1:1: start it, or unset DOCKER_HOST\n"},
		"no such socket": {"echo go version go2.0 linux/amd64", "unix:///nowhere", "setup: no Docker engine answers at DOCKER_HOST=unix:///nowhere: start it, or unset DOCKER_HOST\n"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(setup)
			cmd.Env = []string{"PATH=" + script(t, c.goSays), "HOME=" + t.TempDir(), "DOCKER_HOST=" + c.host}
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 3 {
				t.Errorf("%v, want exit status 3", err)
			}
			if !strings.HasPrefix(string(out), c.want) || strings.Count(string(out), "\n") != 1 {
				t.Errorf("it says\n%s\nnot\n%s", out, c.want)
			}
		})
	}
}
