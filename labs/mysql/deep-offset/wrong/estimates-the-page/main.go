// Command orders lists the shop's orders, newest first, ten to a page.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"time"

	_ "github.com/go-sql-driver/mysql"
)

const size = 10 // orders on a page

type order struct {
	ID      uint64    `json:"id"`
	Created time.Time `json:"created"`
	Status  string    `json:"status"`
	Cents   int       `json:"cents"`
	Items   string    `json:"items"`
}

// page is an answer.
type page struct {
	Orders []order `json:"orders"`
	// Next is where the next page is, for clients that go through the list. They
	// follow the link as it is and don't look into it. Empty: there is none.
	Next string `json:"next"`
}

func main() {
	db, err := sql.Open("mysql", os.Getenv("LAB_MYSQL_DSN"))
	if err != nil {
		log.Fatal(err)
	}
	s := &orders{db: db}
	http.HandleFunc("GET /orders", func(w http.ResponseWriter, r *http.Request) {
		p, err := s.list(r.Context(), r.URL.Query())
		if err != nil {
			log.Printf("%s: %v", r.URL, err)
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(p)
	})
	log.Fatal(http.ListenAndServe(os.Getenv("LAB_LISTEN"), nil))
}

// orders is the table, as this service sees it.
type orders struct{ db *sql.DB }

// query reads orders.
func (s *orders) query(ctx context.Context, text string, args ...any) ([]order, error) {
	rows, err := s.db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []order{}
	for rows.Next() {
		var o order
		if err := rows.Scan(&o.ID, &o.Created, &o.Status, &o.Cents, &o.Items); err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, rows.Err()
}
