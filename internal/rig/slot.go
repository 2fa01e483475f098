package rig

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"faultlab/internal/lab"
)

// slot is the right to run one lab on this machine. It is a file lock, so it
// is given back even by a process that is killed.
type slot struct {
	lock  *flock.Flock
	i, of int
}

// takeSlot waits until one of n slots is free, and says once that it waits.
func takeSlot(ctx context.Context, dir string, n int, env lab.Env) (*slot, error) {
	if err := shared(dir); err != nil {
		return nil, err
	}
	for told := false; ; {
		for i := range n {
			s := &slot{lock: flock.New(filepath.Join(dir, fmt.Sprintf("slot-%d.lock", i)), flock.SetPermissions(0o666)), i: i, of: n}
			ok, err := s.lock.TryLock()
			if err != nil {
				return nil, fmt.Errorf("lock slot: %w", err)
			}
			if ok {
				_ = os.WriteFile(s.note(), fmt.Appendf(nil, "%s (process %d)", env.Lab, os.Getpid()), 0o666)
				return s, nil
			}
			if !told && i == n-1 {
				told = true
				by, _ := os.ReadFile(s.note())
				env.Log("waiting for %s to finish: this machine runs %d at a time", or(string(by), "another lab"), n)
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for another lab to finish: %w", context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// note is the file that says who holds the slot, for those who wait.
func (s *slot) note() string { return s.lock.Path() + ".by" }

func (s *slot) free() error {
	_ = os.Remove(s.note())
	return s.lock.Close()
}

// ports is the slot's own part of the port range.
func (s *slot) ports(e *daemon, free func(netip.Addr, int) bool) *ports {
	width := (lastPort - firstPort + 1) / s.of
	from := firstPort + s.i*width
	if !e.here() { // nobody to ask
		free = func(netip.Addr, int) bool { return true }
	}
	return &ports{host: e.host, free: free, from: from, to: from + width - 1, taken: map[int]bool{}}
}

// shared makes a folder that all users of this machine may put locks into.
func shared(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("make folder of locks: %w", err)
	}
	_ = os.Chmod(dir, 0o777) // past the umask; fails when it is another user's, who did it
	return nil
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
