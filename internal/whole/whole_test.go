package whole

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	for _, text := range []string{"one", "two"} {
		if err := Write(file, 0o600, Text([]byte(text))); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); string(got) != text || err != nil {
			t.Errorf("%q, %v, want %q", got, err, text)
		}
	}
	broken := errors.New("broken")
	err := Write(file, 0o600, func(w io.Writer) error { _, _ = io.WriteString(w, "half"); return broken })
	if got, _ := os.ReadFile(file); !errors.Is(err, broken) || string(got) != "two" {
		t.Errorf("a writing that failed left %q, %v", got, err)
	}
	if left, err := os.ReadDir(dir); len(left) != 1 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := Write(filepath.Join(dir, "none", "f"), 0o600, Text(nil)); err == nil {
		t.Error("wrote into a folder that is not there")
	}
}
