// tries: to confuse the harness by the socket that leads to it
// must: fail oversold
package main

import (
	"bytes"
	"fmt"
	"net"
	"time"
)

func init() {
	for i := range 600 {
		c, err := net.DialTimeout("unix", "/outside/socket", time.Second)
		if err != nil {
			break
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Second))
		switch i % 6 {
		case 0:
			_, _ = c.Write(bytes.Repeat([]byte{0}, 1<<16))
		case 1:
			fmt.Fprint(c, "ended -1\n")
		case 2:
			fmt.Fprint(c, "dial \n", "dial 127.0.0.1\n")
		case 3:
			fmt.Fprint(c, "ended 99999999999999999999\n")
		case 4:
			fmt.Fprint(c, "output\n::error::forged\n")
		}
	}
}
