// Package progress remembers how far a learner is: which labs were solved,
// with which readings and how many hints. It is one small file under the user's
// state directory; deleting it loses nothing else.
package progress

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"faultlab/internal/whole"
)

// Progress is the file's content.
type Progress struct {
	Labs map[string]Lab `json:"labs"`
	path string
}

// Lab is what is remembered of one lab.
type Lab struct {
	Runs   int       `json:"runs"`
	Hints  int       `json:"hints"`           // rungs of the ladder that were asked for
	Solved time.Time `json:"solved,omitzero"` // first pass
	// Best are the smallest values, in runs that passed, of readings that are
	// the better the smaller they are.
	Best map[string]float64 `json:"best,omitempty"`
}

// path follows the XDG base directory specification; XDG names no place for
// macOS and Windows, so the same one serves there.
func path() (string, error) {
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find state directory: %w", err)
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "faultlab", "progress.json"), nil
}

// Load reads the file; one that is not there is empty progress.
func Load() (*Progress, error) {
	p := &Progress{Labs: map[string]Lab{}}
	var err error
	if p.path, err = path(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read progress: %w", err)
	}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("%s is damaged (%w); delete it to start afresh, nothing else is lost", p.path, err)
	}
	if p.Labs == nil {
		p.Labs = map[string]Lab{}
	}
	for name, l := range p.Labs { // somebody may have edited it
		l.Runs, l.Hints = max(l.Runs, 0), max(l.Hints, 0)
		p.Labs[name] = l
	}
	return p, nil
}

// Solved is when the lab was first solved; zero if it was not.
func (p *Progress) Solved(name string) time.Time { return p.Labs[name].Solved }

// Record adds a run that failed, and keeps.
func (p *Progress) Record(name string) error {
	l := p.Labs[name]
	l.Runs++
	p.Labs[name] = l
	return p.keep()
}

// RecordPass adds a run that passed with these readings, and keeps.
func (p *Progress) RecordPass(name string, readings map[string]float64) error {
	l := p.Labs[name]
	l.Runs++
	if l.Solved.IsZero() {
		l.Solved = time.Now().UTC().Truncate(time.Second)
	}
	if l.Best == nil {
		l.Best = map[string]float64{}
	}
	for reading, value := range readings {
		if best, ok := l.Best[reading]; !ok || value < best {
			l.Best[reading] = value
		}
	}
	p.Labs[name] = l
	return p.keep()
}

// Hint takes the next of n rungs and returns its number, from 0; -1 when all
// were taken.
func (p *Progress) Hint(name string, n int) (int, error) {
	l := p.Labs[name]
	if l.Hints >= n {
		return -1, nil
	}
	l.Hints++
	p.Labs[name] = l
	return l.Hints - 1, p.keep()
}

// keep writes the file whole or not at all.
func (p *Progress) keep() error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(p.path), 0o755); err != nil {
		return fmt.Errorf("keep progress: %w", err)
	}
	if err := whole.Write(p.path, 0o600, whole.Text(append(text, '\n'))); err != nil {
		return fmt.Errorf("keep progress: %w", err)
	}
	return nil
}
