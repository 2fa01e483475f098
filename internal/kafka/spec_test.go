package kafka

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

var update = flag.Bool("update", false, "write testdata/*.golden")

// How a broker is started is told by one command line and one file; both kinds
// of image are held to what is known to work.
func TestSpec(t *testing.T) {
	for _, tt := range []struct {
		name    string
		conf    Config
		origin  docker.Origin
		brokers []int
	}{
		{"local-one", Config{}, docker.Local, []int{1}},
		{"local-front", Config{Front: true}, docker.Local, []int{1}},
		{"local-three", Config{Brokers: 3}, docker.Local, []int{2}},
		{"official-one", Config{Heap: 256, Set: map[string]string{"message.max.bytes": "2097152"}}, docker.Official, []int{1}},
		{"official-three", Config{Name: "bus", Brokers: 3}, docker.Official, []int{3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := New(rig.New(lab.Env{}), tt.conf)
			var got strings.Builder
			for _, id := range tt.brokers {
				b := c.Broker(id)
				s := b.Spec(docker.Image{Origin: tt.origin}, func(p int) int { return p + 20000 })
				fmt.Fprintf(&got, "name %s\nuser %q\nports %v\n%s %s\n%s", b.Name(), s.User, s.Ports, s.Cmd[0], s.Cmd[1], s.Cmd[2])
				for _, f := range s.Files[:1] {
					fmt.Fprintf(&got, "--- %s\n%s", f.Path, f.Text)
				}
			}
			file := filepath.Join("testdata", tt.name+".golden")
			if *update {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("spec differs from %s (run with -update and read the difference):\n%s", file, got.String())
			}
		})
	}
}
