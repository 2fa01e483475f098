// tries: to leave a process behind that helps the next one
// must: fail oversold
package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

func init() {
	if len(os.Args) > 1 {
		go func() { _ = http.ListenAndServe("127.0.0.1:9999", nil) }()
		time.Sleep(60 * time.Second)
		os.Exit(0)
	}
	c, err := net.DialTimeout("tcp", "127.0.0.1:9999", time.Second)
	if err == nil {
		c.Close()
	}
	_, left := os.Stat("/tmp/left")
	gain(err == nil || left == nil, "it is there")
	_ = os.WriteFile("/tmp/left", nil, 0o644)
	cmd := exec.Command("/proc/self/exe", "daemon")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	_ = cmd.Start()
}
