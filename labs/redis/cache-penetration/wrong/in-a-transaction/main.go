// Command catalogue tells what products there are. Two of them run, behind a
// balancer, with one Redis and one MySQL.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"strconv"

	_ "github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

type product struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Cents int64  `json:"cents"`
}

var (
	errNotFound = errors.New("no such product")
	errExists   = errors.New("there is such a product")
)

func main() {
	// One packet for each statement, instead of three for a prepared one.
	db, err := sql.Open("mysql", os.Getenv("LAB_MYSQL_DSN")+"&interpolateParams=true")
	if err != nil {
		log.Fatal(err)
	}
	c := &catalogue{db: db, rdb: redis.NewClient(&redis.Options{
		Addr:                     os.Getenv("LAB_REDIS_ADDR"),
		Username:                 os.Getenv("LAB_REDIS_USER"),
		Password:                 os.Getenv("LAB_REDIS_PASSWORD"),
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})}
	if err := c.open(context.Background()); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("GET /products/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			answer(w, nil, errNotFound)
			return
		}
		p, err := c.get(r.Context(), id)
		answer(w, p, err)
	})
	http.HandleFunc("POST /products", func(w http.ResponseWriter, r *http.Request) {
		var p product
		if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := c.create(r.Context(), p); err != nil {
			answer(w, nil, err)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
	log.Fatal(http.ListenAndServe(os.Getenv("LAB_LISTEN"), nil))
}

func answer(w http.ResponseWriter, body any, err error) {
	switch {
	case errors.Is(err, errNotFound):
		http.Error(w, err.Error(), http.StatusNotFound)
	case errors.Is(err, errExists):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		log.Print(err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		_ = json.NewEncoder(w).Encode(body)
	}
}
