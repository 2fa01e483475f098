//go:build linux

// Relay is the first process of a sandbox: it runs the program, and carries its
// connections to the harness over the one socket that leads out. It runs as the
// program's user and nobody trusts it: whoever is on the other side of that socket
// decides what is let through.
//
// Usage: relay SOCKET SERVE REACH… : SERVE is the address at which the program may
// listen, REACH are those that it may connect to. All of them are on 127.0.0.1.
//
// Each connection over the socket begins with a line that says what it is for:
//
//	dial ADDRESS    bytes of a connection to ADDRESS
//	serve           bytes of a connection to SERVE, once the other side wants one:
//	                it sends a byte, and is sent one, 1 if the program accepts
//	output          what the program writes
//	ended KIB       the program has ended, having held so much memory
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

const program = "/program"

func main() {
	r := &relay{socket: os.Args[1], serve: os.Args[2]}
	output, err := r.open("output")
	if err == nil {
		if err = r.run(output, os.Args[3:]); err != nil {
			fmt.Fprintln(output, "relay:", err)
		}
	}
	os.Exit(127)
}

type relay struct {
	socket, serve string
	out           sync.WaitGroup // bytes that are on their way out
}

func (r *relay) run(output *net.UnixConn, reach []string) error {
	for _, addr := range reach {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return err
		}
		go r.listen(l, addr)
	}
	f, err := output.File()
	if err != nil {
		return err
	}
	go r.park()
	for _, name := range []string{"HOSTNAME", "PATH"} { // the engine's
		os.Unsetenv(name)
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	pid, err := syscall.ForkExec(program, []string{program}, &syscall.ProcAttr{
		Dir: "/tmp", Env: os.Environ(), Files: []uintptr{0, f.Fd(), f.Fd()},
	})
	if err != nil {
		return err
	}
	go func() {
		for s := range signals {
			_ = syscall.Kill(-1, s.(syscall.Signal)) // everybody but us
		}
	}()
	status, err := r.reap(pid)
	if err != nil {
		return err
	}
	_ = syscall.Kill(-1, syscall.SIGKILL)
	r.drain()
	if status.Signaled() {
		os.Exit(128 + int(status.Signal()))
	}
	os.Exit(status.ExitStatus())
	return nil
}

// reap waits for the program, and meanwhile for whatever its children leave behind.
func (r *relay) reap(program int) (syscall.WaitStatus, error) {
	for {
		var status syscall.WaitStatus
		var usage syscall.Rusage
		pid, err := syscall.Wait4(-1, &status, 0, &usage)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, err
		case pid == program:
			if c, err := r.open(fmt.Sprintf("ended %d", usage.Maxrss)); err == nil {
				c.Close()
			}
			return status, nil
		}
	}
}

// drain lets the last words of the program's connections get out, as a kernel does
// for a program that runs on it.
func (r *relay) drain() {
	done := make(chan struct{})
	go func() { r.out.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Second):
	}
}

func (r *relay) open(what string) (*net.UnixConn, error) {
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: r.socket, Net: "unix"})
	if err == nil {
		_, err = io.WriteString(c, what+"\n")
	}
	return c, err
}

func (r *relay) listen(l net.Listener, addr string) {
	for {
		c, err := l.Accept()
		if err != nil {
			time.Sleep(time.Millisecond) // the program has used up our files
			continue
		}
		go func() {
			defer c.Close()
			out, err := r.open("dial " + addr)
			if err != nil {
				return
			}
			defer out.Close()
			r.both(c.(*net.TCPConn), out)
		}()
	}
}

// park keeps one connection ready for the other side to use.
func (r *relay) park() {
	for {
		out, err := r.open("serve")
		if errors.Is(err, syscall.ECONNREFUSED) {
			os.Exit(127) // nobody is there any more who could want anything of the program
		}
		if err != nil {
			time.Sleep(time.Millisecond) // as above, or there is a crowd before the socket
			continue
		}
		var b [1]byte
		if _, err := io.ReadFull(out, b[:]); err != nil {
			out.Close()
			time.Sleep(time.Millisecond)
			continue
		}
		go func() {
			defer out.Close()
			c, err := net.Dial("tcp", r.serve)
			if err != nil {
				_, _ = out.Write([]byte{0})
				return
			}
			defer c.Close()
			if _, err := out.Write([]byte{1}); err == nil {
				r.both(c.(*net.TCPConn), out)
			}
		}()
	}
}

// both carries bytes in both directions until both have ended, or one has failed.
func (r *relay) both(in *net.TCPConn, out *net.UnixConn) {
	var ways sync.WaitGroup
	r.out.Add(1)
	ways.Go(func() {
		defer r.out.Done()
		if _, err := io.Copy(out, in); err != nil || out.CloseWrite() != nil {
			in.Close()
			out.Close()
		}
	})
	if _, err := io.Copy(in, out); err != nil || in.CloseWrite() != nil {
		in.Close()
		out.Close()
	}
	ways.Wait()
}
