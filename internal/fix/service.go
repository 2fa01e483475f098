package fix

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
)

// Service is a running program that is asked over HTTP.
type Service struct {
	*Process
	Addr string // where it was told to listen: "127.0.0.1:12345"
}

// Serve starts the program with LAB_LISTEN set to a free port of this machine.
// It does not wait until the program listens: Listening does.
func (p *Program) Serve(ctx context.Context, o Options) (*Service, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	env := maps.Clone(o.Env)
	if env == nil {
		env = map[string]string{}
	}
	env["LAB_LISTEN"] = addr
	o.Env = env
	x, err := p.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Service{Process: x, Addr: addr}, nil
}

// Listening returns when the program accepts connections. That it ends before,
// or that ctx does, is a lab.Fault.
func (s *Service) Listening(ctx context.Context) error {
	var d net.Dialer
	return s.Until(ctx, "the program listens on "+s.Addr, func(ctx context.Context) (string, bool, error) {
		c, err := d.DialContext(ctx, "tcp", s.Addr)
		if err != nil {
			return "", false, err
		}
		return "listens", true, c.Close()
	})
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
