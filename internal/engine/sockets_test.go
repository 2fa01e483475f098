//go:build unix

package engine

import (
	"os"
	"strings"
	"testing"
)

// scripts/setup looks at the same sockets.
func TestSetupKnowsTheSockets(t *testing.T) {
	b, err := os.ReadFile("../../scripts/setup")
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
