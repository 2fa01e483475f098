package redis

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"faultlab/docker"
	"faultlab/internal/lab"
	"faultlab/internal/rig"
)

var update = flag.Bool("update", false, "write the golden files")

// TestSpec holds what each kind of server is started with. Both kinds of image
// get the same: the servers differ in nothing but where they were built.
func TestSpec(t *testing.T) {
	r := rig.New(lab.Env{Lab: "redis/test"})
	one := New(r, Config{Settings: []string{"maxmemory 64mb"}, Memory: 128 << 20})
	replica := NewReplica(r, one, Config{})
	node := NewCluster(r, ClusterConfig{Config: Config{Name: "node"}}).Servers[1]
	for _, s := range []*Server{one, replica, node} {
		s.password = func(user string) string { return "password-of-" + strings.TrimPrefix(user, "redis-") }
		official := show(s, docker.Image{Origin: docker.Official, Name: "redis:8.0.6"})
		local := show(s, docker.Image{Origin: docker.Local, Name: "faultlab/redis"})
		if official != local {
			t.Errorf("%s differs by image:\n%s\n%s", s.Name(), official, local)
		}
		golden := filepath.Join("testdata", s.Name()+".golden")
		if *update {
			if err := os.WriteFile(golden, []byte(local), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if local != string(want) {
			t.Errorf("%s, run with -update if it is meant:\n%s", s.Name(), local)
		}
	}
}

func show(s *Server, img docker.Image) string {
	spec := s.Spec(img, func(port int) int { return 20000 + port })
	var b strings.Builder
	fmt.Fprintln(&b, "$", strings.Join(spec.Cmd, " "))
	fmt.Fprintf(&b, "user %s, ports %v, same %t, memory %d\n", spec.User, spec.Ports, spec.Same, spec.Memory)
	for _, f := range spec.Files {
		fmt.Fprintf(&b, "--- %s\n%s", f.Path, f.Text)
	}
	return b.String()
}

func TestStatName(t *testing.T) {
	for want, args := range map[string][]any{
		"get":           {"GET", "client"},
		"client|info":   {"CLIENT", "INFO"},
		"memory|usage":  {"memory", "usage", "k"},
		"config|set":    {"config", "set", "a", "b"},
		"info":          {"info", "all"},
		"cluster|slots": {"cluster", "slots"},
	} {
		if got := statName(args); got != want {
			t.Errorf("%v: %s, want %s", args, got, want)
		}
	}
}
