// Command shop takes the payment company's callbacks and issues cards for orders
// that are paid. Two of them run, behind a balancer.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// callback is what the payment company says of an attempt to pay an order. Unless it
// gets a 200 it says it again, to either shop.
type callback struct {
	Order   string `json:"order"`
	Payment string `json:"payment"` // the attempt
	Result  string `json:"result"`  // "paid" or "failed"
}

var errUnknown = errors.New("no such order")

// shop is one of the two.
type shop struct {
	rdb   *redis.Client
	name  string // the same after each start
	cards string // where the card company takes orders
	http  *http.Client
}

func main() {
	s := &shop{
		rdb: redis.NewClient(&redis.Options{
			Addr:                     os.Getenv("LAB_REDIS_ADDR"),
			Username:                 os.Getenv("LAB_REDIS_USER"),
			Password:                 os.Getenv("LAB_REDIS_PASSWORD"),
			ReadTimeout:              time.Minute, // a busy machine is not a broken server
			WriteTimeout:             time.Minute,
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		}),
		name:  os.Getenv("LAB_INSTANCE"),
		cards: os.Getenv("LAB_CARDS"),
		http:  &http.Client{Timeout: 30 * time.Second},
	}
	go s.work(context.Background())
	http.HandleFunc("POST /callbacks", func(w http.ResponseWriter, r *http.Request) {
		var c callback
		if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		switch err := s.callback(r.Context(), c); {
		case errors.Is(err, errUnknown):
			http.Error(w, err.Error(), http.StatusNotFound)
		case err != nil: // the payment company tries again
			log.Print(err)
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	log.Fatal(http.ListenAndServe(os.Getenv("LAB_LISTEN"), nil))
}
