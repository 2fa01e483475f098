// Command carts keeps the carts of a shop. One of it runs.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"log"
	"net/http"
	"os"

	_ "github.com/go-sql-driver/mysql"
)

// put is what somebody puts into a cart.
type put struct {
	Cart     int64  `json:"cart"`
	Product  int64  `json:"product"`
	Quantity int    `json:"quantity"`
	At       string `json:"at"` // when, as MySQL writes it
}

func main() {
	db, err := sql.Open("mysql", os.Getenv("LAB_MYSQL_DSN"))
	if err != nil {
		log.Fatal(err)
	}
	if err := prepare(context.Background(), db); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("POST /put", func(w http.ResponseWriter, r *http.Request) {
		var p put
		err := json.NewDecoder(r.Body).Decode(&p)
		if err == nil {
			err = add(r.Context(), db, p)
		}
		answer(w, err)
	})
	http.HandleFunc("POST /expire", func(w http.ResponseWriter, r *http.Request) {
		var job struct {
			Before string `json:"before"`
		}
		err := json.NewDecoder(r.Body).Decode(&job)
		if err == nil {
			err = expire(r.Context(), db, job.Before)
		}
		answer(w, err)
	})
	log.Fatal(http.ListenAndServe(os.Getenv("LAB_LISTEN"), nil))
}

// answer says that it is done, or that it is not.
func answer(w http.ResponseWriter, err error) {
	if err != nil {
		log.Print(err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
