package owner

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestOrphaned(t *testing.T) {
	exit := exec.Command("true")
	if err := exit.Run(); err != nil {
		t.Skip("no program to run and see dead")
	}
	dead := fmt.Sprint(exit.Process.Pid)
	for name, test := range map[string]struct {
		change map[string]string
		want   bool
	}{
		"ours":                         {nil, false},
		"process gone":                 {map[string]string{PID: dead}, true},
		"number used by another":       {map[string]string{Began: "1"}, true},
		"machine started anew":         {map[string]string{Boot: "another"}, true},
		"another machine's":            {map[string]string{Host: "another", PID: dead}, false},
		"another container's":          {map[string]string{Space: "another", PID: dead}, false},
		"kept":                         {map[string]string{Keep: "true", PID: dead}, false},
		"not made by a rig":            {map[string]string{Run: "", PID: dead}, false},
		"process number is unreadable": {map[string]string{PID: "?"}, false},
	} {
		l := Labels("a")
		for k, v := range test.change {
			l[k] = v
		}
		if got := Orphaned(l); got != test.want {
			t.Errorf("%s: orphaned is %v", name, got)
		}
	}
}

// A process that is dead and not yet waited for is dead.
func TestZombie(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	defer cmd.Wait()
	for until := time.Now().Add(5 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		if _, err := processStart(cmd.Process.Pid); os.IsNotExist(err) {
			return
		}
	}
	t.Error("a zombie counts as alive")
}
