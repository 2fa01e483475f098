// The server that the rig's tests run: a key-value store over HTTP that keeps
// each key in a file, says what it was started with, and can be told to die.
package main

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	listen := flag.String("listen", ":7000", "address")
	data := flag.String("data", "/data", "folder")
	die := flag.String("die", "", "print this and exit with status 3")
	flag.Parse()
	switch flag.Arg(0) { // commands for exec
	case "cat":
		io.Copy(os.Stdout, os.Stdin)
		return
	case "fail":
		fmt.Println("on stdout")
		fmt.Fprintln(os.Stderr, "no such thing")
		os.Exit(7)
	case "sleep":
		time.Sleep(time.Hour)
	}
	if *die != "" {
		fmt.Fprintln(os.Stderr, *die)
		os.Exit(3)
	}
	os.MkdirAll(*data, 0o755)
	path := func(r *http.Request) string { return filepath.Join(*data, filepath.Base(r.FormValue("k"))) }
	http.HandleFunc("/set", func(w http.ResponseWriter, r *http.Request) {
		if err := os.WriteFile(path(r), []byte(r.FormValue("v")), 0o644); err != nil {
			http.Error(w, err.Error(), 500)
		}
	})
	http.HandleFunc("/get", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path(r)) })
	http.HandleFunc("/env", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getenv(r.FormValue("k"))) })
	http.HandleFunc("/ping", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "pong") })
	http.HandleFunc("/fetch", func(w http.ResponseWriter, r *http.Request) { // from inside, over the rig's network
		c := http.Client{Timeout: time.Second}
		res, err := c.Get(r.FormValue("url"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		io.Copy(w, res.Body)
	})
	http.HandleFunc("/bulk", func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, 1<<20)) })
	http.HandleFunc("/exit", func(w http.ResponseWriter, r *http.Request) { os.Exit(4) })
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	go func() {
		<-term
		os.WriteFile(filepath.Join(*data, "stopped"), []byte("cleanly"), 0o644)
		os.Exit(0)
	}()
	fmt.Println("listening on", *listen)
	fmt.Fprintln(os.Stderr, http.ListenAndServe(*listen, nil))
	os.Exit(1)
}
