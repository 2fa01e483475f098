// tries: to take all connections of the server
// must: fail
package main

import (
	"context"
	"database/sql"
	"os"
)

func init() {
	if db, err := sql.Open("mysql", os.Getenv("LAB_MYSQL_DSN")); err == nil {
		for range 300 {
			if _, err := db.Conn(context.Background()); err != nil {
				break
			}
		}
	}
}
