package rig

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Proxy stands between clients and a server and makes the way between them
// long, narrow or broken. It is a page of our own and not the toxiproxy
// library, since that one can only be told what to do in JSON and brings an
// HTTP API, a metrics registry and a logger, ten modules in all, into a binary
// that needs none of them.
type Proxy struct {
	listen net.Listener
	target string
	live   context.Context // until Close
	end    context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	latency time.Duration
	rate    int
	cut     bool
	mute    bool
	held    int    // bytes that clients sent while they were muted
	picks   *picks // nil: nothing is kept
	kept    int    // clients that have a piece that is kept
	before  func(sent []byte)
	asked   *request      // the last that Before was called for
	changed chan struct{} // closed and made anew at each change
	conns   map[net.Conn]bool
	closed  bool

	turn sync.Mutex // held from a call of before until what it was called for has gone on
}

// picks is one call of Keep.
type picks struct{ piece func(sent []byte) bool }

// request is a piece of what a client sends.
type request struct {
	server   net.Conn // of the client's own
	answered chan struct{}
}

// Proxy listens on 127.0.0.1 and forwards connections to addr, which is a
// Node.Addr or any other address. It is closed by Stop.
func (r *Rig) Proxy(ctx context.Context, addr string) (*Proxy, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start proxy to %s: %w", addr, err)
	}
	p := &Proxy{listen: l, target: addr, changed: make(chan struct{}), conns: map[net.Conn]bool{}}
	p.live, p.end = context.WithCancel(context.Background())
	p.wg.Go(p.accept)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.proxies = append(r.proxies, p)
	return p, nil
}

// Addr is where clients connect.
func (p *Proxy) Addr() string { return p.listen.Addr().String() }

// Latency delays what goes through by d in each direction; a round trip takes
// 2 d longer. Bandwidth is not limited by it.
func (p *Proxy) Latency(d time.Duration) { p.set(func() { p.latency = d }) }

// Bandwidth limits each connection to so many bytes a second in each direction; 0: no limit.
func (p *Proxy) Bandwidth(rate int) { p.set(func() { p.rate = rate }) }

// Cut lets nothing through, as a cable that was pulled: connections stay open
// and silent, new ones too.
func (p *Proxy) Cut() { p.set(func() { p.cut = true }) }

// Mute keeps from the server what clients send from now on; what it answers
// still arrives. Whoever would have one thing done after another gets no further.
func (p *Proxy) Mute() { p.set(func() { p.mute, p.held = true, 0 }) }

// Held is how many bytes clients have sent since Mute.
func (p *Proxy) Held() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}

// Heal undoes Cut and Mute; what was on its way arrives.
func (p *Proxy) Heal() { p.set(func() { p.cut, p.mute = false, false }) }

// Keep keeps from the server each piece of what clients send that f picks, and what
// the same client sends after it, until the next call; nil: nothing. F sees one
// piece at a time, of all clients, and may not call the proxy. Who picks nothing counts.
func (p *Proxy) Keep(f func(sent []byte) bool) {
	p.set(func() {
		p.picks = nil
		if f != nil {
			p.picks = &picks{f}
		}
	})
}

// Kept is how many clients have a piece that is kept.
func (p *Proxy) Kept() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept
}

// Before has f called before each piece of what a client sends goes on to the
// server, which gets it as f leaves it; nil: nothing. Pieces then go on one at a
// time, and only when the server has answered something to that of another client,
// or has not for a while. So what f does happens between any two statements, also
// of two connections.
func (p *Proxy) Before(f func(sent []byte)) { p.set(func() { p.before = f }) }

// Reset breaks all present connections, as a firewall that restarts.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.SetLinger(0) // RST instead of FIN
		}
		c.Close()
	}
}

// Close ends it and its connections: whoever connects is refused. A second call
// does nothing.
func (p *Proxy) Close() error {
	var was bool
	p.set(func() { was, p.closed = p.closed, true })
	if was {
		return nil
	}
	p.end()
	err := p.listen.Close()
	p.Reset()
	p.wg.Wait()
	return err
}

func (p *Proxy) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Proxy) accept() {
	for {
		c, err := p.listen.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.serve(c) })
	}
}

// track makes Reset and Close reach a connection; after Close it is false.
func (p *Proxy) track(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = true
	return !p.closed
}

func (p *Proxy) drop(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

func (p *Proxy) serve(client net.Conn) {
	defer p.drop(client)
	if !p.track(client) || !p.pass(0, false) {
		return
	}
	d := net.Dialer{Timeout: 10 * time.Second}
	server, err := d.DialContext(p.live, "tcp", p.target)
	if err != nil {
		return
	}
	defer p.drop(server)
	if !p.track(server) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() {
		p.pump(server, client, true, func(sent []byte, deliver func() bool) bool {
			return p.keep(sent) && p.ask(server, sent, deliver)
		})
	})
	both.Go(func() {
		p.pump(client, server, false, func(_ []byte, deliver func() bool) bool {
			p.answered(server)
			return deliver()
		})
	})
	both.Wait()
}

// keep returns when a piece may go on; it is false when the proxy was closed.
func (p *Proxy) keep(sent []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.picks
	if k == nil || !k.piece(sent) {
		return true
	}
	p.kept++
	for p.picks == k && !p.closed {
		changed := p.changed
		p.mu.Unlock()
		<-changed
		p.mu.Lock()
	}
	p.kept--
	return !p.closed
}

// unanswered is how long other clients wait for an answer to what one has sent.
const unanswered = 250 * time.Millisecond

// ask delivers a piece of what a client sends, after what Before wants.
func (p *Proxy) ask(server net.Conn, sent []byte, deliver func() bool) bool {
	p.mu.Lock()
	f := p.before
	p.mu.Unlock()
	if f == nil {
		return deliver()
	}
	p.turn.Lock()
	defer p.turn.Unlock()
	p.mu.Lock()
	last := p.asked
	p.mu.Unlock()
	if last != nil && last.server != server {
		wait := time.NewTimer(unanswered)
		defer wait.Stop()
		select {
		case <-last.answered:
		case <-wait.C:
		case <-p.live.Done():
		}
	}
	f(sent)
	p.mu.Lock()
	p.asked = &request{server, make(chan struct{})}
	p.mu.Unlock()
	return deliver()
}

// answered notes that the server has said something to its client.
func (p *Proxy) answered(server net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.asked; r != nil && r.server == server {
		select {
		case <-r.answered:
		default:
			close(r.answered)
		}
	}
}

// pump carries bytes one way. What is read waits in a queue with the time it
// came, so that latency delays bytes without thinning them out; the queue is
// short, so that a receiver that is slow slows the sender. Each piece goes on
// when pass delivers it.
func (p *Proxy) pump(to, from net.Conn, asks bool, pass func(data []byte, deliver func() bool) bool) {
	type piece struct {
		data []byte
		came time.Time
	}
	queue := make(chan piece, 64)
	broken := make(chan struct{}) // nobody takes from the queue any more
	p.wg.Go(func() {
		defer close(queue)
		for {
			b := make([]byte, 16<<10)
			n, err := from.Read(b)
			if n > 0 {
				if asks {
					p.hold(n)
				}
				select {
				case queue <- piece{b[:n], time.Now()}:
				case <-broken:
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
	defer close(broken)
	for q := range queue {
		if !pass(q.data, func() bool { return p.deliver(to, q.data, q.came, asks) }) {
			to.Close()
			from.Close()
			return
		}
	}
	// The sender is done; the other direction may go on.
	if h, ok := to.(interface{ CloseWrite() error }); ok {
		_ = h.CloseWrite()
	}
}

// hold counts what a client sends to a server that is not to hear it.
func (p *Proxy) hold(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mute {
		p.held += n
	}
}

// deliver writes data as late and as slowly as the proxy is set to just then.
func (p *Proxy) deliver(to io.Writer, data []byte, came time.Time, asks bool) bool {
	if !p.pass(time.Since(came), asks) {
		return false
	}
	for len(data) > 0 {
		p.mu.Lock()
		rate := p.rate
		p.mu.Unlock()
		n := len(data)
		if rate > 0 {
			n = min(n, max(1, rate/50))
		}
		if _, err := to.Write(data[:n]); err != nil {
			return false
		}
		data = data[n:]
		if rate > 0 {
			time.Sleep(time.Duration(n) * time.Second / time.Duration(rate))
		}
		if !p.pass(time.Hour, asks) { // cut in the middle; the delay is behind us
			return false
		}
	}
	return true
}

// pass returns when bytes of that age may go on: neither cut nor too early, nor
// a client's that is muted. It is false when the proxy was closed.
func (p *Proxy) pass(age time.Duration, asks bool) bool {
	began := time.Now()
	for {
		p.mu.Lock()
		changed, closed, cut, wait := p.changed, p.closed, p.cut || p.mute && asks, p.latency-age-time.Since(began)
		p.mu.Unlock()
		switch {
		case closed:
			return false
		case cut:
			<-changed
		case wait > 0:
			t := time.NewTimer(wait)
			select {
			case <-t.C:
			case <-changed:
				t.Stop()
			}
		default:
			return true
		}
	}
}
