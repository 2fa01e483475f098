// fails: reports-missing
// Two statements in one packet are two moments still, only closer together; and
// many a proxy, like this one, takes one at a time.
package main

import (
	"context"
	"database/sql"
	"os"
	"slices"
)

// report prints what the cities have ordered, and what the couriers carry.
func report(ctx context.Context, _ *sql.DB, name string) error {
	db, err := sql.Open("mysql", os.Getenv("LAB_MYSQL_DSN")+"&multiStatements=true")
	if err != nil {
		return err
	}
	defer db.Close()
	lines, err := readAll(ctx, db)
	if err != nil {
		return err
	}
	n := 0
	for sheet := range slices.Chunk(lines, 20) {
		n++
		if err := printPage(ctx, page{name, n, sheet}); err != nil {
			return err
		}
	}
	return nil
}

// readAll reads all lines at once.
func readAll(ctx context.Context, db *sql.DB) ([]line, error) {
	rows, err := db.QueryContext(ctx, "SELECT 'city', city, COUNT(*), SUM(cents) FROM deliveries GROUP BY city ORDER BY city;"+
		"SELECT 'courier', id, orders, cents FROM couriers ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var lines []line
	for more := true; more; more = rows.NextResultSet() {
		for rows.Next() {
			var l line
			if err := rows.Scan(&l.Kind, &l.ID, &l.Orders, &l.Cents); err != nil {
				return nil, err
			}
			lines = append(lines, l)
		}
	}
	return lines, rows.Err()
}
