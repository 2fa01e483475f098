// Command shop keeps carts, points and mailings in Redis. Two of it run.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

func main() {
	s := &store{rdb: redis.NewClient(&redis.Options{
		Addr:                     os.Getenv("LAB_REDIS_ADDR"),
		Username:                 os.Getenv("LAB_REDIS_USER"),
		Password:                 os.Getenv("LAB_REDIS_PASSWORD"),
		ReadTimeout:              time.Minute, // a busy machine is not a broken server
		WriteTimeout:             time.Minute,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})}
	if err := s.prepare(context.Background()); err != nil {
		log.Fatalf("prepare: %v", err)
	}
	log.Fatal(http.ListenAndServe(os.Getenv("LAB_LISTEN"), routes(s)))
}

func routes(s *store) http.Handler {
	mux := http.NewServeMux()
	handle := func(route string, f func(w io.Writer, r *http.Request, body string) error) {
		mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			var answer bytes.Buffer
			if err == nil {
				err = f(&answer, r, string(body))
			}
			switch {
			case errors.Is(err, redis.Nil):
				http.NotFound(w, r)
			case err != nil:
				log.Printf("%s %s: %v", r.Method, r.URL.Path, err)
				http.Error(w, err.Error(), http.StatusInternalServerError)
			case r.Method == http.MethodGet:
				_, _ = answer.WriteTo(w)
			default:
				w.WriteHeader(http.StatusNoContent)
			}
		})
	}
	handle("PUT /shops/{shop}/carts/{customer}/{sku}", func(_ io.Writer, r *http.Request, pieces string) error {
		return s.putIntoCart(r.Context(), r.PathValue("shop"), r.PathValue("customer"), r.PathValue("sku"), pieces)
	})
	handle("GET /shops/{shop}/carts/{customer}", func(w io.Writer, r *http.Request, _ string) error {
		cart, err := s.cart(r.Context(), r.PathValue("shop"), r.PathValue("customer"))
		if err != nil {
			return err
		}
		return json.NewEncoder(w).Encode(cart)
	})
	handle("DELETE /shops/{shop}/carts/{customer}", func(_ io.Writer, r *http.Request, _ string) error {
		return s.dropCart(r.Context(), r.PathValue("shop"), r.PathValue("customer"))
	})
	handle("GET /shops/{shop}/carts", func(w io.Writer, r *http.Request, _ string) error {
		return s.listCarts(r.Context(), r.PathValue("shop"), func(customer string) { fmt.Fprintln(w, customer) })
	})

	handle("PUT /shops/{shop}/points/{customer}", func(_ io.Writer, r *http.Request, points string) error {
		return s.setPoints(r.Context(), r.PathValue("shop"), r.PathValue("customer"), points)
	})
	handle("GET /shops/{shop}/points/{customer}", func(w io.Writer, r *http.Request, _ string) error {
		points, err := s.points(r.Context(), r.PathValue("shop"), r.PathValue("customer"))
		fmt.Fprint(w, points)
		return err
	})
	handle("DELETE /shops/{shop}/points/{customer}", func(_ io.Writer, r *http.Request, _ string) error {
		return s.dropPoints(r.Context(), r.PathValue("shop"), r.PathValue("customer"))
	})
	handle("GET /shops/{shop}/points", func(w io.Writer, r *http.Request, _ string) error {
		return s.exportPoints(r.Context(), r.PathValue("shop"), func(customer, points string) { fmt.Fprintf(w, "%s,%s\n", customer, points) })
	})

	handle("PUT /mailings/{mailing}/{customer}", func(_ io.Writer, r *http.Request, _ string) error {
		return s.addToMailing(r.Context(), r.PathValue("mailing"), r.PathValue("customer"))
	})
	handle("GET /mailings/{mailing}/{customer}", func(_ io.Writer, r *http.Request, _ string) error {
		return s.inMailing(r.Context(), r.PathValue("mailing"), r.PathValue("customer"))
	})
	handle("DELETE /mailings/{mailing}", func(_ io.Writer, r *http.Request, _ string) error {
		return s.dropMailing(r.Context(), r.PathValue("mailing"))
	})
	return mux
}
