package playground

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/quote"
)

// Command is the hidden command of this program that Spawn starts, with the
// lab's name as its argument; it calls Serve.
const Command = "playground"

// Spawn starts the owner of a lab's playground as a process of its own, which
// outlives this one and its terminal, and shows how it comes up. When ctx ends
// before that, the playground goes down again.
func Spawn(ctx context.Context, root, name string, args []string, show func(lab.Event)) error {
	if err := os.MkdirAll(dir(root, name), 0o755); err != nil {
		return fmt.Errorf("keep state of playground: %w", err)
	}
	// What a dead one left: its servers are swept by the new one.
	if err := os.Remove(statePath(root, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove state of playground: %w", err)
	}
	log, err := os.OpenFile(LogPath(root, name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keep log of playground: %w", err)
	}
	defer log.Close()
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.Command(self, append([]string{Command, name}, args...)...) //nolint:noctx // it outlives us
	cmd.Args[0] = os.Args[0]
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, log, log
	cmd.SysProcAttr = detached()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start playground: %w", err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	err = attach(ctx, root, name, exited, show)
	if err == nil || ctx.Err() == nil {
		return err
	}
	cause := context.Cause(ctx)
	// Down tells what goes; this process has nothing else to do.
	down := Down(context.WithoutCancel(ctx), root, name, func(format string, args ...any) {
		show(lab.Event{Phase: lab.Stop, Text: fmt.Sprintf(format, args...)})
	})
	if down != nil && !errors.Is(down, ErrNone) {
		return errors.Join(cause, down)
	}
	return cause
}

// attach waits for the owner's state and follows it until it is up.
func attach(ctx context.Context, root, name string, exited <-chan struct{}, show func(lab.Event)) error {
	var c *Client
	gone := false
	err := measure.Until(ctx, "the playground's process has begun", func(context.Context) (string, bool, error) {
		select {
		case <-exited:
			gone = true
		default:
		}
		var err error
		if c, _, err = Dial(root, name); gone {
			err = nil
		}
		return "", true, err
	})
	if err != nil {
		return err
	}
	if c != nil {
		err = c.follow(ctx, show)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	s, alive, ferr := Find(root, name)
	switch {
	case ferr == nil && alive && s.Phase == Up:
		return nil
	case ferr == nil && s.Phase == Failed:
		_ = os.Remove(statePath(root, name)) // it is told now
		return &Refusal{s.Error, Ours}
	case err != nil && !errors.Is(err, errCut):
		return err
	}
	text, _ := os.ReadFile(LogPath(root, name))
	return fmt.Errorf("the playground's process ended; the end of its output (%s):\n%s", LogPath(root, name), quote.Tail(string(text), 10))
}

// Follow shows how a playground that somebody else starts comes up.
func Follow(ctx context.Context, root, name string, show func(lab.Event)) error {
	return attach(ctx, root, name, nil, show)
}
