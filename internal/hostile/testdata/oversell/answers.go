// tries: to drown the harness in an answer without an end
// must: fail
package main

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"time"
)

func init() {
	piece := bytes.Repeat([]byte("1"), 1<<20)
	go func() {
		time.Sleep(20 * time.Second)
		os.Exit(1)
	}()
	l, err := net.Listen("tcp", os.Getenv("LAB_LISTEN"))
	if err != nil {
		os.Exit(1)
	}
	_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 200 {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	}))
}
