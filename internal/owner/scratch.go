package owner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// mark is the file of a scratch folder that has its owner's labels.
const mark = "owner.json"

// Scratch makes a folder for what lasts as long as a run does; who made it
// removes it. It removes those of dead processes first: a killed one leaves its
// binaries, logs and sockets.
func Scratch() (dir string, err error) {
	name := filepath.Join(os.TempDir(), fmt.Sprintf("faultlab-%d-run", os.Getuid()))
	// Held until the new folder has its mark: one that has none is a dead one's.
	lock := flock.New(name+".lock", flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		return "", fmt.Errorf("make scratch folder: %w", err)
	}
	defer lock.Close()
	left, _ := filepath.Glob(name + "-*") // the pattern is a good one
	for _, dir := range left {
		if abandoned(dir) {
			_ = os.RemoveAll(dir) // the next one tries again
		}
	}
	if dir, err = os.MkdirTemp("", filepath.Base(name)+"-*"); err != nil {
		return "", fmt.Errorf("make scratch folder: %w", err)
	}
	text, err := json.Marshal(Labels("scratch"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, mark), text, 0o600)
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("mark scratch folder: %w", err), os.RemoveAll(dir))
	}
	return dir, nil
}

// abandoned says that a folder's owner is gone. What can't be read is not.
func abandoned(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, mark))
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	var labels map[string]string
	if err == nil {
		err = json.Unmarshal(text, &labels)
	}
	return err == nil && Orphaned(labels)
}
