package progress

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestKeeps(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	load := func() *Progress {
		t.Helper()
		p, err := Load()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := load()
	if err := p.Record("mysql/x"); err != nil {
		t.Fatal(err)
	}
	if !load().Solved("mysql/x").IsZero() {
		t.Error("a run that failed counts as solved")
	}
	for _, rows := range []float64{100, 90, 120} {
		if err := load().RecordPass("mysql/x", map[string]float64{"rows": rows}); err != nil {
			t.Fatal(err)
		}
	}
	for want := range 2 {
		if got, err := load().Hint("mysql/x", 2); got != want || err != nil {
			t.Errorf("hint %d: %d, %v", want, got, err)
		}
	}
	if got, err := load().Hint("mysql/x", 2); got != -1 || err != nil {
		t.Errorf("a third hint of two: %d, %v", got, err)
	}
	l := load().Labs["mysql/x"]
	if l.Runs != 4 || l.Best["rows"] != 90 || l.Hints != 2 || l.Solved.IsZero() {
		t.Errorf("kept %+v", l)
	}
}

func TestDamaged(t *testing.T) {
	state := t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	file := filepath.Join(state, "faultlab", "progress.json")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("a damaged file: %v", err)
	}
}
