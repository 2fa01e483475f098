package fix

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports that programs are told to listen on: below those that the system gives
// to outgoing connections, and beside those that the rig publishes.
const (
	firstPort = 15_000
	lastPort  = 19_999
)

// FreeAddr is an address on 127.0.0.1 that nobody listens on, for LAB_LISTEN.
func FreeAddr() (string, error) {
	var err error
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(lastPort-firstPort+1))
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err == nil {
			return addr, l.Close()
		}
	}
	return "", fmt.Errorf("find a free port: %w", err)
}

// Listens returns when the program accepts connections on addr. If it ends
// before that, or takes until ctx ends, the error is a lab.Fault.
func (p *Process) Listens(ctx context.Context, addr string) error {
	return p.Until(ctx, "the program listens on "+addr, func(ctx context.Context) (string, bool, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return "", false, err
		}
		return "", true, conn.Close()
	})
}
