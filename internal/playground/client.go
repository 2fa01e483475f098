package playground

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"syscall"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/report"
	"faultlab/internal/rig"
)

// Client speaks to the owner of a playground that is up.
type Client struct{ state *State }

// Dial returns a client of a lab's playground. The error is ErrNone when none
// is up, also where a dead one has left something behind.
func Dial(root, lab string) (*Client, *State, error) {
	s, alive, err := Find(root, lab)
	switch {
	case err != nil:
		return nil, nil, err
	case !alive:
		return nil, s, ErrNone
	}
	return &Client{s}, s, nil
}

// Status asks for what only the owner knows.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	res, err := c.send(ctx, http.MethodGet, "/status", nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	s := &Status{}
	if err := json.NewDecoder(res.Body).Decode(s); err != nil {
		return nil, fmt.Errorf("ask the playground: %w", err)
	}
	return s, nil
}

// Reset brings the broken state up anew. It goes on when ctx ends.
func (c *Client) Reset(ctx context.Context, show func(lab.Event)) error {
	return c.do(ctx, http.MethodPost, "/reset", struct{}{}, nil, show)
}

// Apply puts a variant onto the playground.
func (c *Client) Apply(ctx context.Context, variant string, show func(lab.Event)) error {
	return c.do(ctx, http.MethodPost, "/apply", applyRequest{variant}, nil, show)
}

// Check judges the playground as it is now.
func (c *Client) Check(ctx context.Context, o report.Options, show func(lab.Event)) (*Checked, error) {
	got := &Checked{}
	return got, c.do(ctx, http.MethodPost, "/check", checkRequest{o}, got, show)
}

// follow shows how the playground comes up, until it is or is not.
func (c *Client) follow(ctx context.Context, show func(lab.Event)) error {
	return c.do(ctx, http.MethodGet, "/events", nil, nil, show)
}

func (c *Client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.state.Control+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask the playground: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.state.Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the playground: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, fmt.Errorf("ask the playground: it says %s", res.Status)
	}
	return res, nil
}

// errCut is that the owner ended before its answer did.
var errCut = errors.New("the playground ended")

// do sends a request and shows what happens until its result is there.
func (c *Client) do(ctx context.Context, method, path string, in, result any, show func(lab.Event)) error {
	res, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	dec := json.NewDecoder(res.Body)
	for {
		var m message
		if err := dec.Decode(&m); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return errCut
		}
		switch {
		case !m.End:
			show(m.event())
		case m.Error != nil:
			return m.Error
		case result != nil:
			return json.Unmarshal(m.Result, result)
		default:
			return nil
		}
	}
}

// downLimit is how long the owner may take to remove its servers.
const downLimit = 2 * time.Minute

// Down ends a lab's playground, or removes what a dead one has left.
func Down(ctx context.Context, root, lab string, log func(format string, args ...any)) error {
	s, alive, err := Find(root, lab)
	var damaged *Damaged
	if err != nil && !errors.As(err, &damaged) {
		return err
	}
	if alive {
		if err := end(ctx, root, lab, s, log); err != nil {
			return err
		}
	}
	if damaged != nil {
		// Nobody knows any more which run it was.
		if err := rig.Sweep(ctx, log); err != nil {
			return err
		}
	} else if s.Run != "" && (!alive || s.Phase == Failed) {
		if err := rig.Remove(ctx, s.Run, log); err != nil {
			return err
		}
	}
	if err := os.Remove(statePath(root, lab)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove state of playground: %w", err)
	}
	return nil
}

// end asks the owner to go down, or tells the system to end it, and waits until
// it is gone.
func end(ctx context.Context, root, name string, s *State, log func(format string, args ...any)) error {
	asked := errors.New("its state is damaged")
	if s != nil {
		asked = (&Client{s}).do(ctx, http.MethodPost, "/down", struct{}{}, nil, func(e lab.Event) {
			if e.Phase == lab.Stop && e.Text != "" {
				log("%s", e.Text)
			}
		})
	}
	if asked != nil && !errors.Is(asked, errCut) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		pid, err := ownerPID(root, name)
		if err != nil {
			return errors.Join(asked, err)
		}
		p, err := os.FindProcess(pid)
		if err == nil {
			err = p.Signal(syscall.SIGTERM)
		}
		if err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("end process %d: %w", pid, err)
		}
		log("ended process %d, which did not answer (%v)", pid, asked)
	}
	ctx, cancel := context.WithTimeout(ctx, downLimit)
	defer cancel()
	return measure.Until(ctx, "the playground is down", func(context.Context) (string, bool, error) {
		alive, err := held(lockPath(root, name))
		return "its process is still there", !alive, err
	})
}
