// Command reports prints the report of the evening when it is asked for one.
package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	_ "github.com/go-sql-driver/mysql"
)

// page is what the printer takes: at most twenty lines.
type page struct {
	Report string `json:"report"`
	Page   int    `json:"page"` // from 1 on; one that is printed again replaces the first
	Lines  []line `json:"lines"`
}

// line is one of a report.
type line struct {
	Kind   string `json:"kind"` // city or courier
	ID     int64  `json:"id"`
	Orders int64  `json:"orders"` // delivered
	Cents  int64  `json:"cents"`  // of a city: what they cost; of a courier: the cash on them
}

func main() {
	db, err := sql.Open("mysql", os.Getenv("LAB_MYSQL_DSN"))
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("POST /report", func(w http.ResponseWriter, r *http.Request) {
		// It goes on when whoever has asked hangs up.
		if err := report(context.Background(), db, r.FormValue("name")); err != nil {
			log.Print(err)
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	log.Fatal(http.ListenAndServe(os.Getenv("LAB_LISTEN"), nil))
}

// printPage returns when the page is on paper, which may take a minute.
func printPage(ctx context.Context, p page) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("LAB_PRINTER")+"/print", bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(res.Body)
		return fmt.Errorf("print page %d of %s: %s", p.Page, p.Report, why)
	}
	return nil
}
