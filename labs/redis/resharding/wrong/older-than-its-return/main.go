// Command catalogue tells what is known of a product. Two of them run behind a
// balancer, with MySQL and a handful of Redis nodes as its cache.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"

	_ "github.com/go-sql-driver/mysql"
)

func main() {
	db, err := sql.Open("mysql", os.Getenv("LAB_MYSQL_DSN"))
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxIdleConns(16) // two, else: all others would log in again for each look
	c := &catalogue{db: db}
	if err := c.open(context.Background(), parse(os.Getenv("LAB_REDIS_NODES"))); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("GET /products", func(w http.ResponseWriter, r *http.Request) {
		found := map[string]json.RawMessage{}
		for _, text := range r.URL.Query()["id"] {
			id, _ := strconv.ParseInt(text, 10, 64)
			body, err := c.get(r.Context(), id)
			switch {
			case err == nil:
				found[text] = json.RawMessage(body)
			case !errors.Is(err, sql.ErrNoRows):
				fail(w, r, err)
				return
			}
		}
		_ = json.NewEncoder(w).Encode(found)
	})
	http.HandleFunc("PUT /products/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = c.put(r.Context(), id, string(body))
		}
		if err != nil {
			fail(w, r, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	http.HandleFunc("POST /nodes", func(w http.ResponseWriter, r *http.Request) {
		list, err := io.ReadAll(r.Body)
		if err == nil {
			err = c.change(r.Context(), parse(string(list)))
		}
		if err != nil {
			fail(w, r, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	log.Fatal(http.ListenAndServe(os.Getenv("LAB_LISTEN"), nil))
}

func fail(w http.ResponseWriter, r *http.Request, err error) {
	log.Printf("%s %s: %v", r.Method, r.URL.Path, err)
	http.Error(w, err.Error(), http.StatusInternalServerError)
}
