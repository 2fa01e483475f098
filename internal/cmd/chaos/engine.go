//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/moby/moby/client"

	"faultlab/internal/measure"
)

// patience bounds everything that is waited for here.
const patience = 10 * time.Minute

// engine is a Docker engine of our own, on a disk of its own.
type engine struct {
	dir  string
	cmd  *exec.Cmd
	done chan struct{} // closed when cmd has ended
	api  *client.Client
}

func (e *engine) socket() string { return "unix://" + filepath.Join(e.dir, "docker.sock") }
func (e *engine) disk() string   { return filepath.Join(e.dir, "disk") }

func newEngine(ctx context.Context, dir string, gib int) (e *engine, err error) {
	e = &engine{dir: dir}
	if err := os.MkdirAll(e.disk(), 0o755); err != nil {
		return nil, err
	}
	image := filepath.Join(dir, "disk.ext4")
	for _, c := range [][]string{
		{"truncate", "-s", fmt.Sprintf("%dG", gib), image},
		{"mkfs.ext4", "-q", image},
		{"mount", "-o", "loop", image, e.disk()},
		{"ip", "link", "add", bridge, "type", "bridge"},
		{"ip", "address", "add", subnet, "dev", bridge},
		{"ip", "link", "set", bridge, "up"},
	} {
		if err := command(ctx, c...); err != nil {
			return nil, errors.Join(err, e.close())
		}
	}
	if e.api, err = client.New(client.WithHost(e.socket())); err != nil {
		return nil, errors.Join(err, e.close())
	}
	if err := e.start(ctx); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

// The engine's network. Its containers are reached over published ports alone,
// so the machine's firewall, which another engine may rule, is left as it is.
const bridge, subnet = "chaos0", "172.29.255.1/24"

func (e *engine) start(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(e.dir, "dockerd.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	e.cmd = exec.Command("dockerd", "--host", e.socket(), "--data-root", filepath.Join(e.disk(), "docker"), //nolint:noctx // stop ends it
		"--exec-root", filepath.Join(e.dir, "exec"), "--pidfile", filepath.Join(e.dir, "pid"),
		"--bridge", bridge, "--iptables=false")
	e.cmd.Stdout, e.cmd.Stderr = log, log
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := e.cmd.Start(); err != nil {
		return err
	}
	cmd, done := e.cmd, make(chan struct{})
	e.done = done
	go func() { _ = cmd.Wait(); close(done) }()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return measure.Until(ctx, "the engine answers", func(ctx context.Context) (string, bool, error) {
		_, err := e.api.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
		return "", err == nil, err
	})
}

// stop ends the engine as its service manager would.
func (e *engine) stop() error {
	if e.cmd == nil {
		return nil
	}
	_ = e.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-e.done:
	case <-time.After(time.Minute):
		_ = e.cmd.Process.Kill()
		<-e.done
	}
	e.cmd = nil
	return nil
}

func (e *engine) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	errs := []error{e.stop()}
	if e.api != nil {
		errs = append(errs, e.api.Close())
	}
	for _, c := range [][]string{{"umount", e.disk()}, {"ip", "link", "delete", bridge}} {
		errs = append(errs, command(ctx, c...))
	}
	return errors.Join(errs...)
}

// command runs one and tells what it said when it failed.
func command(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
