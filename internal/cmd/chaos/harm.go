//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/moby/moby/client"
)

// killing is a way to kill the command: at a random moment of a time, once it
// has said something.
type killing struct {
	what string
	args []string
	said string
	time func(lab) time.Duration
}

var killings = []killing{
	{"`kill -9` at any moment of a run", []string{"run"}, "", func(l lab) time.Duration { return l.warm }},
	{"`kill -9` while the servers are filled", []string{"run", "--fresh"}, "\nstart ", func(l lab) time.Duration { return l.fresh / 2 }},
	{"`kill -9` while the snapshot is made", []string{"run", "--fresh"}, "\nfingerprint ", func(lab) time.Duration { return time.Second }},
	{"`kill -9` while the servers are removed", []string{"run"}, "\nintegrity ", func(lab) time.Duration { return 500 * time.Millisecond }},
	{"`kill -9` while a playground comes up", []string{"up"}, "", func(l lab) time.Duration { return l.warm / 2 }},
}

var building = killing{"`kill -9` while the image is built", []string{"run"}, "", func(l lab) time.Duration { return l.build }}

// kill takes one of the ways. To build an image costs most, so that comes once in
// twenty times.
func kill(ctx context.Context, s *stage, l lab) (string, error) {
	k := killings[s.random.IntN(len(killings))]
	if s.random.IntN(20) == 0 {
		k = building
		if err := s.removeImages(ctx); err != nil {
			return k.what, err
		}
	}
	at := time.Duration(s.random.Int64N(int64(k.time(l))))
	cmd, _ := s.command(append(k.args, l.name)...)
	heard := &tripwire{word: k.said, hit: make(chan struct{})}
	_, _ = heard.Write([]byte("\n"))
	cmd.Stdout, cmd.Stderr = heard, heard
	if err := cmd.Start(); err != nil {
		return k.what, err
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	select {
	case <-heard.hit:
	case <-ended:
	}
	select {
	case <-time.After(at):
	case <-ended:
	}
	_ = cmd.Process.Kill() // it may have ended
	<-ended
	if k.args[0] != "up" {
		return k.what, nil
	}
	// The playground has a process of its own, which goes on; or goes, too.
	if s.random.IntN(2) == 0 {
		if err := s.killAll(); err != nil {
			return k.what, err
		}
	}
	if status, said, err := s.lab("down", l.name); err != nil || status != 0 && !strings.Contains(said, "is not up") {
		return k.what, fmt.Errorf("lab down: status %d, %w:\n%s", status, err, said)
	}
	return k.what, nil
}

// tripwire tells when a word was written.
type tripwire struct {
	bytes.Buffer
	word string
	hit  chan struct{}
	done bool
}

func (t *tripwire) Write(p []byte) (int, error) {
	n, err := t.Buffer.Write(p)
	if !t.done && strings.Contains(t.String(), t.word) {
		t.done = true
		close(t.hit)
	}
	return n, err
}

// during does something at a random moment of a run, and returns how that ended.
// That must never be a fail: the fix passes.
func (s *stage) during(l lab, do func() error) error {
	cmd, said := s.command("run", l.name)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }() // ProcessState says how
	at := time.Duration(s.random.Int64N(int64(l.warm)))
	<-time.After(at)
	done := do()
	select {
	case <-ended:
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		return fmt.Errorf("the run hangs, %.1f s after its begin", at.Seconds())
	}
	if done != nil {
		return done
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 && code != 3 {
		return fmt.Errorf("the run ended with status %d, %.1f s after its begin:\n%s", code, at.Seconds(), said)
	}
	return nil
}

func restart(ctx context.Context, s *stage, l lab) (string, error) {
	return "the engine is started anew in a run", s.during(l, func() error {
		if err := s.stop(); err != nil {
			return err
		}
		return s.start(ctx)
	})
}

// fill leaves no room on the engine's disk, from a moment of the run on. What
// then can't be removed for want of room is there until there is some.
func fill(ctx context.Context, s *stage, l lab) (string, error) {
	const what = "the engine's disk is full from some moment of a run on"
	ballast := filepath.Join(s.disk(), "ballast")
	err := s.during(l, func() error {
		_ = exec.CommandContext(ctx, "dd", "if=/dev/zero", "of="+ballast, "bs=1M").Run() // fails when the disk is full
		return nil
	})
	if rerr := os.Remove(ballast); err == nil {
		err = rerr
	}
	return what, err
}

func takeAway(ctx context.Context, s *stage, l lab) (string, error) {
	return "the images are taken away", s.removeImages(ctx)
}

// removeImages removes the servers' images; snapshots stand on them and stay.
func (s *stage) removeImages(ctx context.Context) error {
	list, err := s.api.ImageList(ctx, client.ImageListOptions{})
	if err != nil {
		return err
	}
	for _, i := range list.Items {
		for _, tag := range i.RepoTags {
			if strings.HasPrefix(tag, "faultlab/snapshot:") {
				continue
			}
			if _, err := s.api.ImageRemove(ctx, tag, client.ImageRemoveOptions{Force: true}); err != nil {
				return err
			}
		}
	}
	return nil
}

// killAll kills whatever runs of ours.
func (s *stage) killAll() error {
	return s.processes(func(pid int, _ string) error { return syscall.Kill(pid, syscall.SIGKILL) })
}
