// The stock service: it answers what is known of an article in a store.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

func main() {
	c := &cards{rdb: redis.NewClusterClient(&redis.ClusterOptions{
		Addrs:                    strings.Split(os.Getenv("LAB_REDIS_ADDRS"), ","),
		Username:                 os.Getenv("LAB_REDIS_USER"),
		Password:                 os.Getenv("LAB_REDIS_PASSWORD"),
		ReadTimeout:              time.Minute, // a busy machine is not a broken node
		WriteTimeout:             time.Minute,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})}
	go func() {
		if err := c.move(context.Background()); err != nil {
			log.Fatalf("move: %v", err)
		}
	}()
	log.Fatal(http.ListenAndServe(os.Getenv("LAB_LISTEN"), routes(c)))
}

func routes(c *cards) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /stores/{store}/items/{sku}", func(w http.ResponseWriter, r *http.Request) {
		card, err := io.ReadAll(r.Body)
		if err == nil {
			err = c.put(r.Context(), r.PathValue("store"), r.PathValue("sku"), string(card))
		}
		if err != nil {
			fail(w, r, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /stores/{store}/items/{sku}", func(w http.ResponseWriter, r *http.Request) {
		card, err := c.get(r.Context(), r.PathValue("store"), r.PathValue("sku"))
		switch {
		case errors.Is(err, redis.Nil):
			http.NotFound(w, r)
		case err != nil:
			fail(w, r, err)
		default:
			_, _ = io.WriteString(w, card)
		}
	})
	mux.HandleFunc("GET /stores/{store}/items", func(w http.ResponseWriter, r *http.Request) {
		cards, err := c.pick(r.Context(), r.PathValue("store"), r.URL.Query()["sku"])
		if err != nil {
			fail(w, r, err)
			return
		}
		_ = json.NewEncoder(w).Encode(cards)
	})
	mux.HandleFunc("GET /moved", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
	})
	return mux
}

func fail(w http.ResponseWriter, r *http.Request, err error) {
	log.Printf("%s %s: %v", r.Method, r.URL.Path, err)
	http.Error(w, err.Error(), http.StatusInternalServerError)
}
