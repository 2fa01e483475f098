package mysql

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"faultlab/internal/lab"
	"faultlab/internal/rig"
)

var update = flag.Bool("update", false, "write what the tests get to testdata")

// TestSpec holds the command line and the files that each kind of server is
// started with. Nothing in them depends on whether the image is the official one
// or ours: Spec is not told the difference.
func TestSpec(t *testing.T) {
	r := rig.New(lab.Env{})
	grants := map[string][]string{Learner: {"ALL ON shop.*", "PROCESS ON *.*"}, "app": {"SELECT ON shop.*"}}
	single := New(r, Config{Grants: grants, Set: map[string]string{"innodb-redo-log-capacity": "64M"}})
	source := New(r, Config{Name: "source", SemiSync: true})
	replica := New(r, Config{Name: "replica", Source: source, Grants: grants})
	for _, s := range []*Server{single, source, replica} {
		golden(t, s.Name()+".cnf", s.conf())
		golden(t, s.Name()+".sql", s.init(func(account string) string { return "password of " + account }))
		golden(t, s.Name()+".cmd", strings.Join(s.command(), "\n"))
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is\n%s\nnot\n%s", name, got, want)
	}
}

func TestTransactions(t *testing.T) {
	for set, want := range map[string]int64{
		"": 0,
		"3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7":                                                          6,
		"00000000-0000-4000-8000-000000000001:1-5,\n00000000-0000-4000-8000-000000000002:3":                   6,
		"3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:batch:1-3:9,\n4e11fa47-71ca-11e1-9e33-c80aa9429562:batch:8": 10,
	} {
		if got := Transactions(set); got != want {
			t.Errorf("Transactions(%q) = %d, want %d", set, got, want)
		}
	}
}
