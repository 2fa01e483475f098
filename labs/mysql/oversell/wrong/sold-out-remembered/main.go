// Command till sells over HTTP. Two of them run, behind a balancer.
package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"

	_ "github.com/go-sql-driver/mysql"
)

// request is a purchase. An app that got no answer sends it again, as it was,
// to either till.
type request struct {
	ID       string `json:"request"`
	User     int64  `json:"user"`
	Product  int64  `json:"product"`
	Quantity int    `json:"quantity"`
}

var errSoldOut = errors.New("sold out")

func main() {
	db, err := sql.Open("mysql", os.Getenv("LAB_MYSQL_DSN"))
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("POST /buy", func(w http.ResponseWriter, r *http.Request) {
		var req request
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		order, err := buy(r.Context(), db, req)
		switch {
		case errors.Is(err, errSoldOut):
			http.Error(w, err.Error(), http.StatusConflict)
		case err != nil: // the app tries again
			log.Print(err)
			http.Error(w, err.Error(), http.StatusInternalServerError)
		default:
			_ = json.NewEncoder(w).Encode(map[string]int64{"order": order})
		}
	})
	log.Fatal(http.ListenAndServe(os.Getenv("LAB_LISTEN"), nil))
}
