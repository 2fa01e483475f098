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
//
// Waiters queue for the door, and whoever is in it has the next free slot:
// else a process that runs lab after lab, and is there the moment that it
// frees its own slot, would keep the others waiting for ever.
func takeSlot(ctx context.Context, dir string, n int, env lab.Env) (*slot, error) {
	if err := shared(dir); err != nil {
		return nil, err
	}
	slots := make([]*slot, n)
	for i := range slots {
		slots[i] = &slot{lock: lockFile(dir, fmt.Sprintf("slot-%d.lock", i)), i: i, of: n}
	}
	told := false
	tell := func() {
		if !told {
			told = true
			by, _ := os.ReadFile(slots[n-1].note())
			env.Log("waiting for %s to finish: this machine runs %d at a time", or(string(by), "another lab"), n)
		}
	}
	door := lockFile(dir, "door.lock")
	if err := poll(ctx, tell, door.TryLock); err != nil {
		return nil, err
	}
	defer func() { _ = door.Close() }()
	var mine *slot
	err := poll(ctx, tell, func() (bool, error) {
		for _, s := range slots {
			if ok, err := s.lock.TryLock(); ok || err != nil {
				mine = s
				return ok, err
			}
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	_ = os.WriteFile(mine.note(), fmt.Appendf(nil, "%s (process %d)", env.Lab, os.Getpid()), 0o666)
	return mine, nil
}

// poll tries until it is given the lock, and tells when it has to wait.
func poll(ctx context.Context, tell func(), try func() (bool, error)) error {
	for {
		ok, err := try()
		if err != nil {
			return fmt.Errorf("lock slot: %w", err)
		}
		if ok {
			return nil
		}
		tell()
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for another lab to finish: %w", context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func lockFile(dir, name string) *flock.Flock {
	return flock.New(filepath.Join(dir, name), flock.SetPermissions(0o666))
}

// note is the file that says who holds the slot, for those who wait.
func (s *slot) note() string { return s.lock.Path() + ".by" }

func (s *slot) free() error {
	_ = os.Remove(s.note())
	return s.lock.Close()
}

// ports is the slot's own part of the port range; without a slot, all of it.
func (s *slot) ports(e *daemon, free func(netip.Addr, int) bool) *ports {
	if s == nil {
		s = &slot{of: 1}
	}
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
