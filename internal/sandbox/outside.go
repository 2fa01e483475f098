package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// accept takes what comes through the socket. Beyond so many at a time the sandbox
// waits: a flood must not take the files of what runs beside it.
func (b *Box) accept() {
	for {
		b.slots <- struct{}{}
		c, err := b.socket.AcceptUnix()
		if err != nil || !b.track(c) {
			return
		}
		b.ways.Go(func() {
			defer func() { <-b.slots }()
			defer b.drop(c)
			sent := sync.OnceFunc(b.sends.Done)
			defer sent()
			b.serve(c, sent)
		})
	}
}

// track makes close reach a connection from inside and wait for what it brings;
// after that it closes it and is false.
func (b *Box) track(c net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		c.Close()
		return false
	}
	b.conns[c] = true
	b.sends.Add(1)
	return true
}

// drop closes a connection that is still ours.
func (b *Box) drop(c net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conns[c] {
		c.Close()
		delete(b.conns, c)
	}
}

// serve does what a connection says in its first line that it is for, and calls
// sent when all of what the program wrote into it is passed on.
func (b *Box) serve(c *net.UnixConn, sent func()) {
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	line, err := firstLine(c)
	if err != nil {
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	what, arg, _ := strings.Cut(line, " ")
	switch what {
	case "dial":
		b.dial(c, arg, sent)
	case "serve":
		sent()
		b.park(c)
	case "output":
		_, _ = io.Copy(b.output, c)
	case "ended":
		if kib, err := strconv.ParseInt(arg, 10, 32); err == nil {
			b.mu.Lock()
			b.peak = kib << 10
			b.mu.Unlock()
		}
	}
}

// firstLine reads no byte more than that.
func firstLine(r io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < 64; line = append(line, b[0]) {
		if _, err := io.ReadFull(r, b); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return string(line), nil
		}
	}
	return "", errors.New("no line")
}

// dial connects to an address, if it is one that the program may reach.
func (b *Box) dial(c *net.UnixConn, addr string, sent func()) {
	if !b.reach[addr] {
		return
	}
	dialer := net.Dialer{Timeout: 10 * time.Second}
	s, err := dialer.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return
	}
	server := s.(*net.TCPConn)
	b.mu.Lock()
	b.conns[server] = true
	b.mu.Unlock()
	defer b.drop(server)
	back := make(chan struct{})
	go func() {
		defer close(back)
		if _, err := io.Copy(c, server); err != nil || c.CloseWrite() != nil {
			server.Close()
			c.Close()
		}
	}()
	_, err = io.Copy(server, c)
	sent()
	if err != nil || server.CloseWrite() != nil {
		server.Close()
		c.Close()
	}
	select {
	case <-back:
	case <-b.gone:
		server.Close() // as a kernel does for a program that is dead
		<-back
	}
}

// park keeps a connection for Dial, as long as the program runs. Whoever dials it
// closes it.
func (b *Box) park(c net.Conn) {
	select {
	case b.parked <- c:
		b.mu.Lock()
		delete(b.conns, c)
		b.mu.Unlock()
	case <-b.gone:
	}
}

// Dial connects to what the program serves.
func (b *Box) Dial(ctx context.Context) (net.Conn, error) {
	refused := fmt.Errorf("connect to the program: %w", syscall.ECONNREFUSED)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("connect to the program: %w", context.Cause(ctx))
	case <-b.gone:
		return nil, refused
	case c := <-b.parked:
		until, _ := ctx.Deadline()
		_ = c.SetDeadline(until)
		answer := []byte{0}
		_, err := c.Write(answer)
		if err == nil {
			_, err = io.ReadFull(c, answer)
		}
		if err == nil && answer[0] != 1 {
			err = refused
		}
		if err != nil {
			c.Close()
			return nil, err
		}
		return c, c.SetDeadline(time.Time{})
	}
}
