// Package playground keeps a lab's broken state running for somebody to look
// at. A process of its own owns the servers (Serve); commands find it by its
// state file and speak to it over HTTP on the loopback interface (Client).
package playground

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"faultlab/internal/lab"
	"faultlab/internal/rig"
	"faultlab/internal/whole"
)

// Phase is how far a playground is.
type Phase string

// A playground that failed has left nothing but its state file.
const (
	Starting Phase = "starting"
	Up       Phase = "up"
	Failed   Phase = "failed"
)

// State is what the owner writes for those who look for it. It holds secrets:
// the file is its user's only.
type State struct {
	Lab     string    `json:"lab"`
	Run     string    `json:"run"` // part of every container's name
	PID     int       `json:"pid"` // of the owner
	Phase   Phase     `json:"phase"`
	Error   string    `json:"error,omitempty"` // when failed
	Since   time.Time `json:"since"`           // when it came up, or began to
	Control string    `json:"control"`         // where the owner listens
	Token   string    `json:"token"`           // what it wants to be told
	Servers []Server  `json:"servers"`
}

// Server is one running server.
type Server struct {
	lab.Server
	Container string        `json:"container"`
	Ports     map[int]int   `json:"ports"` // host ports by container port
	Shell     rig.Shell     `json:"shell"`
	Connect   []rig.Connect `json:"connect"`
}

// Server returns the one called name, the first if name is empty.
func (s *State) Server(name string) (Server, error) {
	var names []string
	for _, srv := range s.Servers {
		if name == "" || srv.Name == name {
			return srv, nil
		}
		names = append(names, srv.Name)
	}
	return Server{}, fmt.Errorf("%s has no server %q; it has %s", s.Lab, name, strings.Join(names, ", "))
}

// dir is where a lab's playground keeps its files.
func dir(root, lab string) string { return filepath.Join(root, ".faultlab", filepath.FromSlash(lab)) }

func statePath(root, lab string) string { return filepath.Join(dir(root, lab), "playground.json") }
func lockPath(root, lab string) string  { return filepath.Join(dir(root, lab), "playground.lock") }

// LogPath is the owner's output.
func LogPath(root, lab string) string { return filepath.Join(dir(root, lab), "playground.log") }

// ErrNone is that a lab has no playground.
var ErrNone = errors.New("no playground is up")

// Damaged is a state file that can't be read.
type Damaged struct {
	Lab, Path string
	Err       error
}

func (d *Damaged) Error() string {
	return fmt.Sprintf("%s is damaged (%v); lab down %s removes the playground", d.Path, d.Err, d.Lab)
}

// Find reads a lab's state and says whether the playground's owner lives: it
// holds a lock for that time, which the system takes from it however it ends.
func Find(root, lab string) (s *State, alive bool, err error) {
	path := statePath(root, lab)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, ErrNone
	}
	if err != nil {
		return nil, false, fmt.Errorf("read state of playground: %w", err)
	}
	if alive, err = held(lockPath(root, lab)); err != nil {
		return nil, false, err
	}
	s = &State{}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, alive, &Damaged{lab, path, err}
	}
	if s.Lab != lab {
		return nil, alive, &Damaged{lab, path, fmt.Errorf("it is of lab %q", s.Lab)}
	}
	return s, alive, nil
}

// held says whether somebody holds the lock.
func held(path string) (bool, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	l := flock.New(path)
	defer l.Close()
	// Shared, so that two who look are not taken for owners.
	free, err := l.TryRLock()
	if err != nil {
		return false, fmt.Errorf("look for owner of playground: %w", err)
	}
	return !free, nil
}

// List names the labs of a checkout that have a state file.
func List(root string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(root, ".faultlab", "*", "*", "playground.json"))
	if err != nil {
		return nil, fmt.Errorf("list playgrounds: %w", err)
	}
	var labs []string
	for _, f := range files {
		d := filepath.Dir(f)
		labs = append(labs, filepath.Base(filepath.Dir(d))+"/"+filepath.Base(d))
	}
	return labs, nil
}

// write replaces the state file, whole or not at all.
func (s *State) write(root string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := whole.Write(statePath(root, s.Lab), 0o600, whole.Text(append(text, '\n'))); err != nil {
		return fmt.Errorf("keep state of playground: %w", err)
	}
	return nil
}

// own takes the lock of a lab's playground and notes this process in it.
func own(root, lab string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir(root, lab), 0o755); err != nil {
		return nil, fmt.Errorf("keep state of playground: %w", err)
	}
	l := flock.New(lockPath(root, lab), flock.SetPermissions(0o600))
	// Those who look hold it for a moment.
	for range 50 {
		ok, err := l.TryLock()
		if err != nil {
			return nil, fmt.Errorf("keep state of playground: %w", err)
		}
		if ok {
			return l, os.WriteFile(l.Path(), strconv.AppendInt(nil, int64(os.Getpid()), 10), 0o600)
		}
		<-time.After(10 * time.Millisecond)
	}
	return nil, fmt.Errorf("the playground of %s is up already", lab)
}

// owner is the process that holds the lock, as it noted.
func ownerPID(root, lab string) (int, error) {
	text, err := os.ReadFile(lockPath(root, lab))
	if err != nil {
		return 0, fmt.Errorf("find owner of playground: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("find owner of playground: %w", err)
	}
	return pid, nil
}
