//go:build unix

package fix

import (
	"errors"
	"io"
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
	http.ListenAndServe(os.Getenv("LAB_LISTEN"), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
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
	res, err := http.Get("http://" + s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, _ := io.ReadAll(res.Body); string(b) != "here" {
		t.Errorf("answered %q", b)
	}
	s.Kill()
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
