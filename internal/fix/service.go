package fix

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/sandbox"
)

// Service is a running program that is asked over HTTP.
type Service struct {
	*Process
	Addr string       // its host and port in a URL for HTTP: "127.0.0.1:12345"
	HTTP *http.Client // the one that reaches it, wherever it runs; keeps its connections open
	dial func(ctx context.Context) (net.Conn, error)
}

// listenEnv tells a program where to listen.
const listenEnv = "LAB_LISTEN"

// Serve starts the program with LAB_LISTEN set to an address that is free where it
// runs. It does not wait until the program listens: Listening does.
func (p *Program) Serve(ctx context.Context, o Options) (*Service, error) {
	addr := sandbox.Serve
	if p.run == "" {
		var err error
		if addr, err = freeAddr(ctx); err != nil {
			return nil, err
		}
	}
	env := maps.Clone(o.Env)
	if env == nil {
		env = map[string]string{}
	}
	env[listenEnv] = addr
	o.Env = env
	x, err := p.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &Service{Process: x, Addr: addr, dial: func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	}}
	if box, ok := x.running.(confined); ok {
		s.Addr, s.dial = "program", box.Dial // no address of this machine's
	}
	s.HTTP = &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 16,
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return s.dial(ctx) },
	}}
	return s, nil
}

// Listen is Serve for a program that need do nothing before it listens: it waits
// for that, and ends one that does not.
func (p *Program) Listen(ctx context.Context, o Options) (*Service, error) {
	s, err := p.Serve(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := s.Listening(ctx); err != nil {
		s.Kill()
		return nil, err
	}
	return s, nil
}

// Listening returns when the program accepts connections. That it ends before,
// or that ctx does, is a lab.Fault.
func (s *Service) Listening(ctx context.Context) error {
	return s.Until(ctx, "the program listens on "+s.Addr, func(ctx context.Context) (string, bool, error) {
		c, err := s.dial(ctx)
		if err != nil {
			return "", false, err
		}
		return "listens", true, c.Close()
	})
}

// patience ends a request that hangs; it decides nothing else.
const patience = time.Minute

// maxAnswer is where an answer is cut; the labs' own are a twentieth of it.
const maxAnswer = 1 << 20 // bytes

// Ask sends one request. A program that lives and gives no answer has answered
// wrongly, with status 0; one that ended, or that hangs, is a lab.Fault.
func (s *Service) Ask(ctx context.Context, method, path, body string) (status int, answer string, err error) {
	hung := lab.Blame(lab.ApplyCheck, fmt.Errorf("the program did not answer %s %s within %s", method, path, patience))
	ctx, cancel := context.WithTimeoutCause(ctx, patience, hung)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+s.Addr+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	res, err := s.HTTP.Do(req)
	if err == nil {
		defer res.Body.Close()
		var b []byte
		if b, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer)); err == nil {
			return res.StatusCode, string(b), nil
		}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return 0, "", lab.Blame(lab.ApplyCheck, context.Cause(ctx))
	}
	if ctx.Err() != nil {
		return 0, "", context.Cause(ctx)
	}
	select {
	case <-s.Done(): // it may be on its way out
		return 0, "", s.Ended()
	case <-time.After(time.Second):
		return 0, "no answer: " + err.Error(), nil
	}
}

// freeAddr picks a port below those that the system gives to outgoing
// connections and those of the rigs: one that is free stays free until the
// program has it, unless another harness picks the same.
func freeAddr(ctx context.Context) (string, error) {
	const first, last, tries = 12000, 19999, 100
	var lc net.ListenConfig
	var err error
	for range tries {
		addr := fmt.Sprintf("127.0.0.1:%d", first+rand.IntN(last-first+1))
		var l net.Listener
		if l, err = lc.Listen(ctx, "tcp", addr); err == nil {
			return addr, l.Close()
		}
	}
	return "", fmt.Errorf("find a free port for the program: %w", err)
}
