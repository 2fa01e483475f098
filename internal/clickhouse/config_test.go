package clickhouse

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"faultlab/docker"
)

var update = flag.Bool("update", false, "write the golden files")

// TestSpec holds command line and files against golden ones, for both kinds of image.
func TestSpec(t *testing.T) {
	cl := shards{name: "cluster", hosts: []string{"cluster-1", "cluster-2"}}
	servers := map[string]Config{
		"plain": {
			Name: "clickhouse", Memory: 2 << 30,
			Settings: map[string]string{"max_threads": "2", "async_insert": "0"},
			Grants:   []string{"SELECT, INSERT ON shop.*"},
		},
		"everything": {
			Name: "cluster-1", Memory: 1 << 30, clusters: []shards{cl},
			MergeTree:       map[string]string{"old_parts_lifetime": "480", "parts_to_throw_insert": "300"},
			LearnerSettings: map[string]string{"max_memory_usage": "100000000"},
			Policies: []Policy{{
				Name: "tiered", Volumes: []Volume{{Name: "hot", MaxPartSize: 1 << 20}, {Name: "cold"}}, MoveFactor: 0.2,
			}},
		},
	}
	for name, c := range servers {
		for _, origin := range []docker.Origin{docker.Local, docker.Official} {
			t.Run(name+"/"+string(origin), func(t *testing.T) {
				s := &Server{cfg: c, secret: func(name string) string { return "secret of " + name }}
				spec := s.Spec(docker.Image{Origin: origin}, func(p int) int { return p })
				var b strings.Builder
				b.WriteString(strings.Join(spec.Cmd, " ") + "\n")
				for _, f := range spec.Files {
					b.WriteString("\n" + f.Path + "\n\n" + f.Text)
				}
				golden := filepath.Join("testdata", name+"-"+string(origin)+".golden")
				if *update {
					if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if b.String() != string(want) {
					t.Errorf("differs from %s; -update writes it anew:\n%s", golden, b.String())
				}
			})
		}
	}
}
