//go:build unix

package fix

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"faultlab/internal/lab"
)

func TestServe(t *testing.T) {
	p, err := program(t, `package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.ListenAndServe(os.Getenv("LAB_LISTEN"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/die" {
			os.Exit(3)
		}
		fmt.Fprint(w, os.Getenv("LAB_NAME"))
	}))
}
`)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Serve(t.Context(), Options{Env: map[string]string{"LAB_NAME": "here"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listening(t.Context()); err != nil {
		t.Fatal(err)
	}
	status, text, err := s.Ask(t.Context(), http.MethodGet, "/", "")
	if status != http.StatusOK || text != "here" || err != nil {
		t.Errorf("answered %d %q, %v", status, text, err)
	}
	if err := s.Ended(); err != nil {
		t.Errorf("lives, and has ended: %v", err)
	}
	if status, _, err := s.Ask(t.Context(), http.MethodGet, "/die", ""); status != 0 || err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("died, and answered %d, %v", status, err)
	}
}

func TestServeEnds(t *testing.T) {
	p, err := program(t, `package main

func main() { panic("no servers") }
`)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Serve(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Listening(t.Context())
	var f *lab.Fault
	if !errors.As(err, &f) || !strings.Contains(err.Error(), "panic: no servers") {
		t.Errorf("got %v", err)
	}
}
