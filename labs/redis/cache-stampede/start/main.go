// Command pages answers product pages over HTTP. Two of them run, behind a balancer.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// page is what a product's page shows.
type page struct {
	SKU     string `json:"sku"`
	Name    string `json:"name"`
	Price   int    `json:"price"` // cents
	Reviews int    `json:"reviews"`
	Stars   int    `json:"stars"` // of all reviews together
}

func main() {
	maxAge, err := time.ParseDuration(os.Getenv("LAB_MAX_AGE"))
	if err != nil {
		log.Fatal(err)
	}
	db, err := sql.Open("mysql", os.Getenv("LAB_MYSQL_DSN"))
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(50)
	db.SetMaxIdleConns(50)
	p := newPages(db, redis.NewClient(&redis.Options{
		Addr:                     os.Getenv("LAB_REDIS_ADDR"),
		Username:                 os.Getenv("LAB_REDIS_USER"),
		Password:                 os.Getenv("LAB_REDIS_PASSWORD"),
		PoolSize:                 50,
		PoolTimeout:              time.Minute, // a busy machine is not a broken Redis
		ReadTimeout:              time.Minute,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}), maxAge)
	http.HandleFunc("GET /pages/{sku}", func(w http.ResponseWriter, r *http.Request) {
		pg, err := p.get(r.Context(), r.PathValue("sku"))
		switch {
		case errors.Is(err, sql.ErrNoRows):
			http.NotFound(w, r)
		case err != nil:
			log.Print(err)
			http.Error(w, err.Error(), http.StatusInternalServerError)
		default:
			_ = json.NewEncoder(w).Encode(pg)
		}
	})
	log.Fatal(http.ListenAndServe(os.Getenv("LAB_LISTEN"), nil))
}

// build makes a page from the tables. This is what costs.
func build(ctx context.Context, db *sql.DB, sku string) (page, error) {
	pg := page{SKU: sku}
	err := db.QueryRowContext(ctx, `
		SELECT p.name, p.price, COUNT(*), SUM(r.stars) FROM products p JOIN reviews r ON r.sku = p.sku
		WHERE p.sku = ? GROUP BY p.sku`, sku).Scan(&pg.Name, &pg.Price, &pg.Reviews, &pg.Stars)
	return pg, err
}
