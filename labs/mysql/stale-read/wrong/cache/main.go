// Command router stands between the app and the shop's two MySQL servers. Two
// of it run, behind a balancer.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strconv"

	_ "github.com/go-sql-driver/mysql"
)

// order is one as the app shows it.
type order struct {
	ID     int64  `json:"order"`
	Item   string `json:"item"`
	Status string `json:"status"`
}

// answer is what the app is told. It sends the last session that it was given
// with every request from then on, to whichever instance; empty keeps the one it has.
type answer struct {
	Session string  `json:"session,omitempty"`
	Order   int64   `json:"order,omitempty"`
	Orders  []order `json:"orders,omitempty"`
}

func main() {
	source, err := sql.Open("mysql", os.Getenv("LAB_SOURCE_DSN"))
	if err != nil {
		log.Fatal(err)
	}
	replica, err := sql.Open("mysql", os.Getenv("LAB_REPLICA_DSN"))
	if err != nil {
		log.Fatal(err)
	}
	r := &router{source: source, replica: replica}
	handle("POST /orders", func(ctx context.Context, f form) (answer, error) {
		return r.place(ctx, f.user, f.text("item"))
	})
	handle("POST /cancel", func(ctx context.Context, f form) (answer, error) {
		return r.cancel(ctx, f.user, f.number("order"))
	})
	handle("GET /orders", func(ctx context.Context, f form) (answer, error) {
		return r.list(ctx, f.user, f.text("session"))
	})
	log.Fatal(http.ListenAndServe(os.Getenv("LAB_LISTEN"), nil))
}

// form is a request's query.
type form struct {
	user int64
	*http.Request
}

func (f form) text(name string) string { return f.URL.Query().Get(name) }

func (f form) number(name string) int64 {
	n, _ := strconv.ParseInt(f.text(name), 10, 64)
	return n
}

func handle(pattern string, do func(context.Context, form) (answer, error)) {
	http.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		f := form{Request: r}
		f.user = f.number("user")
		a, err := do(r.Context(), f)
		if err != nil {
			log.Print(err)
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(a)
	})
}
