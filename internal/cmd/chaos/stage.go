//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/client"
)

// stage is a learner's machine: a checkout, a home, a folder for temporary
// files, and the engine.
type stage struct {
	*engine
	root, home, temp string
	random           *rand.Rand
}

// lab is one of the labs that are run, with a fix that passes.
type lab struct {
	name        string
	fix         map[string]string // what the learner has in fix/
	warm, fresh time.Duration     // a run's, from a snapshot and without
	build       time.Duration     // of the image
}

func newStage(ctx context.Context, root, dir string, e *engine, random *rand.Rand) (*stage, error) {
	s := &stage{engine: e, root: filepath.Join(dir, "faultlab"), home: filepath.Join(dir, "home"), temp: filepath.Join(dir, "tmp"), random: random}
	for _, d := range []string{s.root, s.home, s.temp} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, err
		}
	}
	list := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	files, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list the checkout's files: %w", err)
	}
	for _, f := range strings.Split(strings.Trim(string(files), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(root, f))
		if err != nil {
			return nil, err
		}
		to := filepath.Join(s.root, f)
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, text, 0o644)); err != nil {
			return nil, err
		}
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join("bin", "lab"), "./internal/cmd/lab")
	build.Dir = s.root
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w\n%s", err, out)
	}
	return s, nil
}

// command is bin/lab as the learner has it.
func (s *stage) command(args ...string) (cmd *exec.Cmd, said *bytes.Buffer) {
	cmd = exec.Command(filepath.Join(s.root, "bin", "lab"), args...) //nolint:noctx // it is killed, or waited for
	cmd.Dir = s.root
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+s.socket(), "TMPDIR="+s.temp, "XDG_STATE_HOME="+s.home)
	said = &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = said, said
	cmd.WaitDelay = 5 * time.Second
	return cmd, said
}

// lab runs a command to its end.
func (s *stage) lab(args ...string) (status int, said string, err error) {
	cmd, out := s.command(args...)
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	if err := cmd.Start(); err != nil {
		return 0, "", err
	}
	err = cmd.Wait()
	if !timer.Stop() {
		return 0, out.String(), fmt.Errorf("lab %v hangs", args)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), out.String(), nil
	}
	return 0, out.String(), err
}

// passes runs the learner's fix, which passes.
func (s *stage) passes(l lab, flags ...string) (took time.Duration, err error) {
	began := time.Now()
	status, said, err := s.lab(append([]string{"run", l.name}, flags...)...)
	if err == nil && status != 0 {
		err = fmt.Errorf("the next run ended with status %d:\n%s", status, said)
	}
	return time.Since(began), err
}

// prepare puts a fix that passes into fix/
// and runs it: without an image, without a snapshot, and with both.
func (s *stage) prepare(name string) (l lab, err error) {
	l = lab{name: name, fix: map[string]string{}}
	dir := filepath.Join(s.root, "labs", filepath.FromSlash(name))
	err = filepath.WalkDir(filepath.Join(dir, "solution"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		l.fix[d.Name()] = string(text)
		return err
	})
	if err != nil {
		return l, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "fix"), 0o755); err != nil {
		return l, err
	}
	for f, text := range l.fix {
		if err := os.WriteFile(filepath.Join(dir, "fix", f), []byte(text), 0o644); err != nil {
			return l, err
		}
	}
	first, err := s.passes(l)
	if err == nil {
		l.fresh, err = s.passes(l, "--fresh")
	}
	if err == nil {
		l.warm, err = s.passes(l)
	}
	if err != nil {
		return l, err
	}
	l.build = max(first-l.fresh, time.Second)
	say("%s: %.1f s with the image's build, %.1f s seeding, %.1f s from the snapshot", name, first.Seconds(), l.fresh.Seconds(), l.warm.Seconds())
	return l, nil
}

// anew removes everything but the learner's files.
func (s *stage) anew(l lab) error {
	_, _, err := s.lab("down", "--all")
	if err == nil {
		_, _, err = s.lab("clean")
	}
	if err == nil {
		err = errors.Join(s.killAll(), os.RemoveAll(s.temp), os.MkdirAll(s.temp, 0o755))
	}
	if err == nil {
		_, err = s.passes(l)
	}
	return err
}

// sound says what is not as it was promised.
func (s *stage) sound(ctx context.Context, l lab) error {
	for _, args := range [][]string{{"progress", "--json"}, {"list"}, {"report", l.name}} {
		if status, said, err := s.lab(args...); err != nil || status != 0 {
			return fmt.Errorf("lab %v: status %d, %w:\n%s", args, status, err, said)
		}
	}
	if _, err := s.passes(l); err != nil {
		return err
	}
	return errors.Join(s.filesKept(l), s.nothingLeft(ctx), s.tempEmpty(), s.noProcess())
}

func (s *stage) filesKept(l lab) error {
	dir := filepath.Join(s.root, "labs", filepath.FromSlash(l.name), "fix")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("the learner's files: %w", err)
	}
	for _, e := range entries {
		if _, ok := l.fix[e.Name()]; !ok {
			return fmt.Errorf("fix/ has got a file %s", e.Name())
		}
	}
	for f, want := range l.fix {
		if got, err := os.ReadFile(filepath.Join(dir, f)); err != nil || string(got) != want {
			return fmt.Errorf("the learner's %s is not what it was: %w", f, err)
		}
	}
	return nil
}

func (s *stage) nothingLeft(ctx context.Context) error {
	var left []string
	containers, err := s.api.ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		return err
	}
	for _, c := range containers.Items {
		left = append(left, "container "+strings.Join(c.Names, " "))
	}
	networks, err := s.api.NetworkList(ctx, client.NetworkListOptions{})
	if err != nil {
		return err
	}
	for _, n := range networks.Items {
		if !slices.Contains([]string{"bridge", "host", "none"}, n.Name) {
			left = append(left, "network "+n.Name)
		}
	}
	images, err := s.api.ImageList(ctx, client.ImageListOptions{})
	if err != nil {
		return err
	}
	for _, i := range images.Items {
		if len(i.RepoTags) == 0 { // and nothing stands on it
			left = append(left, "half-made image "+i.ID)
		}
	}
	if left != nil {
		return fmt.Errorf("left behind: %s", strings.Join(left, ", "))
	}
	return nil
}

// tempEmpty wants nothing in the folder for temporary files but locks.
func (s *stage) tempEmpty() error {
	entries, err := os.ReadDir(s.temp)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != "faultlab" && !strings.HasSuffix(e.Name(), ".lock") {
			return fmt.Errorf("left behind: %s in the folder for temporary files", e.Name())
		}
	}
	return nil
}

// noProcess wants none of ours.
func (s *stage) noProcess() error {
	return s.processes(func(pid int, exe string) error { return fmt.Errorf("left behind: process %d, %s", pid, exe) })
}

// processes calls do for each of ours: their programs lie on the stage.
func (s *stage) processes(do func(pid int, exe string) error) error {
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		return err
	}
	for _, l := range links {
		exe, err := os.Readlink(l)
		if err != nil || !strings.HasPrefix(exe, filepath.Dir(s.root)+"/") {
			continue // gone, or another's
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(l)))
		if err == nil {
			err = do(pid, exe)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
