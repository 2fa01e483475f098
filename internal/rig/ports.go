package rig

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
)

// Host ports are picked below the ephemeral range (32768 and up on Linux),
// where outgoing connections would take them away at random.
const firstPort, lastPort = 20000, 31999

// ports hands out host ports from a range of its slot's own, so that two labs
// never pick the same one, not even while a server of one is down.
type ports struct {
	host     netip.Addr
	free     func(host netip.Addr, port int) bool
	from, to int
	mu       sync.Mutex
	taken    map[int]bool
}

var errNoPort = errors.New("no free host port")

// pick takes the port that is wanted, if there is one. Somebody may still have
// it: then the start of the container fails, and the next pick is another.
func (p *ports) pick(wanted int) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wanted != 0 && !p.taken[wanted] {
		p.taken[wanted] = true
		return wanted, nil
	}
	n := p.to - p.from + 1
	for i, first := 0, rand.IntN(n); i < n; i++ {
		port := p.from + (first+i)%n
		if p.taken[port] || !p.free(p.host, port) {
			continue
		}
		p.taken[port] = true
		return port, nil
	}
	return 0, errNoPort
}

func free(host netip.Addr, port int) bool {
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(host, uint16(port))))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// portConflict recognises the engine's words for a host port that is in use.
func portConflict(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "port is already allocated") ||
		strings.Contains(err.Error(), "address already in use") ||
		strings.Contains(err.Error(), "ports are not available"))
}
