package rig

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"faultlab/internal/lab"
)

// echo is a server that sends back what it gets, line by line.
func echo(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

// line is a client that sends a line and waits for it to come back.
type line struct {
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, p *Proxy) *line {
	c, err := net.Dial("tcp", p.Addr())
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return &line{c, bufio.NewReader(c)}
}

func (l *line) send(limit time.Duration) (time.Duration, error) {
	began := time.Now()
	l.SetReadDeadline(began.Add(limit))
	if _, err := io.WriteString(l, "hello\n"); err != nil {
		return 0, err
	}
	_, err := l.r.ReadString('\n')
	return time.Since(began), err
}

func TestProxy(t *testing.T) {
	r := New(lab.Env{})
	p, err := r.Proxy(t.Context(), echo(t))
	must(t, err)
	c := dial(t, p)
	_, err = c.send(10 * time.Second)
	must(t, err)

	p.Latency(50 * time.Millisecond)
	if took, err := c.send(10 * time.Second); err != nil || took < 100*time.Millisecond {
		t.Errorf("with 50 ms each way it took %v, %v", took, err)
	}
	p.Latency(0)

	p.Cut()
	if _, err := c.send(100 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("through a cut: %v", err)
	}
	late := dial(t, p)
	if _, err := late.send(100 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a new connection through a cut: %v", err)
	}
	p.Heal()
	for _, c := range []*line{c, late} { // what was on its way arrives, in order
		for range 2 {
			c.SetReadDeadline(time.Now().Add(10 * time.Second))
			if s, err := c.r.ReadString('\n'); err != nil || s != "hello\n" {
				t.Errorf("after heal: %q, %v", s, err)
			}
			if _, err := io.WriteString(c, "hello\n"); err != nil {
				t.Error(err)
			}
		}
	}

	p.Reset()
	if _, err := c.send(10 * time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after reset: %v", err)
	}

	// 200 KB at 1 MB/s each way, as a stream: a fifth of a second.
	p.Bandwidth(1e6)
	c = dial(t, p)
	began := time.Now()
	go func() {
		c.Write(make([]byte, 200e3))
		c.Conn.(*net.TCPConn).CloseWrite()
	}()
	n, err := io.Copy(io.Discard, c)
	if took := time.Since(began); err != nil || n != 200e3 || took < 200*time.Millisecond {
		t.Errorf("200 KB at 1 MB/s: %d bytes in %v, %v", n, took, err)
	}

	// Stop closes it, even cut and with connections open.
	p.Cut()
	c = dial(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	must(t, r.Stop(ctx))
	if _, err := net.Dial("tcp", p.Addr()); err == nil {
		t.Error("a stopped rig's proxy still listens")
	}
}

// A client that is muted hears its server, and is not heard.
func TestProxyMute(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	p, err := New(lab.Env{}).Proxy(t.Context(), l.Addr().String())
	must(t, err)
	defer p.Close()
	c := dial(t, p)
	server, err := l.Accept()
	must(t, err)
	defer server.Close()
	s := &line{server, bufio.NewReader(server)}

	p.Mute()
	if _, err := io.WriteString(s, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.send(10 * time.Second); err != nil { // hears, and says something itself
		t.Errorf("a muted client hears nothing: %v", err)
	}
	for end := time.Now().Add(10 * time.Second); p.Held() < len("hello\n"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("held %d bytes", p.Held())
		}
	}
	s.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := s.r.ReadString('\n'); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the server hears a muted client: %v", err)
	}
	p.Heal()
	s.SetReadDeadline(time.Now().Add(10 * time.Second))
	if got, err := s.r.ReadString('\n'); err != nil || got != "hello\n" {
		t.Errorf("after heal the server hears %q, %v", got, err)
	}

	// What was said into a way that broke is never heard.
	p.Mute()
	if _, err := io.WriteString(c, "hello\n"); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); p.Held() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing is held")
		}
	}
	p.Reset()
	p.Heal()
	if got, err := s.r.ReadString('\n'); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after reset the server hears %q, %v", got, err)
	}
}

// What Before does is done when the server gets what a client has sent, and
// between what two clients send.
func TestProxyBefore(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	got, answer := make(chan string, 10), make(chan string)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for r := bufio.NewReader(c); ; {
					text, err := r.ReadString('\n')
					if err != nil {
						return
					}
					got <- text
					io.WriteString(c, <-answer)
				}
			}()
		}
	}()
	r := New(lab.Env{})
	p, err := r.Proxy(t.Context(), l.Addr().String())
	must(t, err)
	t.Cleanup(func() { must(t, p.Close()) })
	var calls atomic.Int64
	p.Before(func(sent []byte) { calls.Add(1); sent[0]++ })
	expect := func(want int64) {
		t.Helper()
		select {
		case text := <-got:
			if text != fmt.Sprintln(want+1) { // as it was left
				t.Errorf("the server hears %q", text)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("nothing has come")
		}
		if n := calls.Load(); n != want {
			t.Errorf("%d calls, not %d", n, want)
		}
	}
	a, b := dial(t, p), dial(t, p)
	io.WriteString(a, "1\n")
	expect(1)
	io.WriteString(b, "2\n")
	answer <- "1\n"
	expect(2)
	// A request that is never answered keeps nobody up for long.
	io.WriteString(a, "3\n")
	expect(3)
	answer <- "2\n"
	answer <- "3\n"
	p.Before(nil)
	io.WriteString(b, "4\n")
	expect(3)
	answer <- "4\n"
}

// What is picked stays, with what its client sends after it; others go on.
func TestKeep(t *testing.T) {
	r := New(lab.Env{})
	p, err := r.Proxy(t.Context(), echo(t))
	must(t, err)
	defer p.Close()
	kept, other := dial(t, p), dial(t, p)
	seen := 0
	p.Keep(func(sent []byte) bool { seen++; return seen == 1 })
	if _, err := kept.send(100 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) || p.Kept() != 1 {
		t.Errorf("what is picked: %v, %d kept", err, p.Kept())
	}
	if _, err := kept.send(100 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after what is picked: %v", err)
	}
	if _, err := other.send(10 * time.Second); err != nil || seen != 2 {
		t.Errorf("another client: %v; %d pieces were seen", err, seen)
	}
	p.Keep(nil)
	if _, err := kept.send(10 * time.Second); err != nil || p.Kept() != 0 {
		t.Errorf("let go: %v, %d kept", err, p.Kept())
	}
}
