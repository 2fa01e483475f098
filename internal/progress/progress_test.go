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

// Whatever is in the file: it is refused in one sentence, or what is asked of it
// has an answer that can be used, and is kept.
func FuzzLoad(f *testing.F) {
	f.Add(`{"labs": {"mysql/x": {"runs": 3, "hints": 2, "solved": "2026-11-24T20:00:00Z", "best": {"rows": 100}}}}`)
	f.Add(`{"labs": {"mysql/x": {"runs": -3, "hints": -2}}}`)
	f.Add(`{"labs": null}`)
	f.Add("null")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		state := t.TempDir()
		t.Setenv("XDG_STATE_HOME", state)
		file := filepath.Join(state, "faultlab", "progress.json")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		p, err := Load()
		if err != nil {
			if kept, _ := os.ReadFile(file); string(kept) != text || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%q became %q: %v", text, kept, err)
			}
			return
		}
		const rungs = 3
		if got, err := p.Hint("mysql/x", rungs); err != nil || got < -1 || got >= rungs {
			t.Fatalf("hint %d of %d, %v", got, rungs, err)
		}
		if err := p.RecordPass("mysql/x", map[string]float64{"rows": 1}); err != nil {
			t.Fatal(err)
		}
		if p, err = Load(); err != nil || p.Solved("mysql/x").IsZero() || p.Labs["mysql/x"].Best["rows"] > 1 {
			t.Fatalf("kept %+v, %v", p, err)
		}
	})
}
