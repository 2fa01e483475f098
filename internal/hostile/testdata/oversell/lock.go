// tries: to keep the checked table locked for ever
// must: fail
package main

import (
	"context"
	"database/sql"
	"os"
)

func init() {
	if db, err := sql.Open("mysql", os.Getenv("LAB_MYSQL_DSN")); err == nil {
		if conn, err := db.Conn(context.Background()); err == nil {
			_, _ = conn.ExecContext(context.Background(), "LOCK TABLES orders WRITE, products WRITE")
		}
	}
}
