// tries: to change the table that is checked, as its account may
// must: fail
package main

import (
	"database/sql"
	"os"
)

func init() {
	if db, err := sql.Open("mysql", os.Getenv("LAB_MYSQL_DSN")); err == nil {
		defer db.Close()
		_, _ = db.Exec("ALTER TABLE orders DROP COLUMN quantity")
	}
}
