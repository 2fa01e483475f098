package owner

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

func TestScratch(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	mine, err := Scratch()
	if err != nil {
		t.Fatal(err)
	}
	exit := exec.Command("true")
	if err := exit.Run(); err != nil {
		t.Skip("no program to run and see dead")
	}
	dead := Labels("scratch")
	dead[PID] = strconv.Itoa(exit.Process.Pid)
	text, err := json.Marshal(dead)
	if err != nil {
		t.Fatal(err)
	}
	folder := func(name, mark string) string {
		dir := filepath.Join(filepath.Dir(mine), "faultlab-"+strconv.Itoa(os.Getuid())+"-run-"+name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if mark != "" {
			if err := os.WriteFile(filepath.Join(dir, "owner.json"), []byte(mark), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	gone := []string{folder("killed", string(text)), folder("killed-before-its-mark", "")}
	kept := []string{mine, folder("strange", "{")}
	another, err := Scratch()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range gone {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is still there", dir)
		}
	}
	for _, dir := range append(kept, another) {
		if _, err := os.Stat(dir); err != nil {
			t.Error(err)
		}
	}
}
