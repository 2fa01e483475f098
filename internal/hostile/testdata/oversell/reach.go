// tries: to reach the harness, this machine at each of its addresses, another container, and the internet
// must: fail oversold
package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

func init() {
	var reached []string
	for _, addr := range strings.Fields(`@LISTENERS@ 127.0.0.1:22 127.0.0.1:2375 169.254.169.254:80 1.1.1.1:443`) {
		if c, err := net.DialTimeout("tcp", addr, 300*time.Millisecond); err == nil {
			c.Close()
			reached = append(reached, addr)
		}
		// By the way that is open to the servers.
		c, err := net.Dial("unix", "/outside/socket")
		if err != nil {
			continue
		}
		fmt.Fprintf(c, "dial %s\nhello\n", addr)
		_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		if n, _ := io.ReadFull(c, make([]byte, 1)); n > 0 {
			reached = append(reached, "relayed "+addr)
		}
		c.Close()
	}
	if c, err := net.DialTimeout("unix", "/var/run/docker.sock", time.Second); err == nil {
		c.Close()
		reached = append(reached, "docker.sock")
	}
	if c, err := net.Dial("unix", "@faultlab-hostile"); err == nil { // an abstract socket of this machine
		c.Close()
		reached = append(reached, "abstract socket")
	}
	if _, err := net.LookupHost("localhost.localdomain"); err == nil {
		reached = append(reached, "a name server")
	}
	gain(len(reached) > 0, reached)
}
