package main

import (
	"context"
	"database/sql"
	"slices"
)

// all is one statement, and so one moment, in no transaction but its own.
const all = `
	SELECT 'city', city, COUNT(*), SUM(cents) FROM deliveries GROUP BY city
	UNION ALL
	SELECT 'courier', id, orders, cents FROM couriers`

// report prints what the cities have ordered, and what the couriers carry.
func report(ctx context.Context, db *sql.DB, name string) error {
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

func readAll(ctx context.Context, db *sql.DB) ([]line, error) {
	rows, err := db.QueryContext(ctx, all)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var lines []line
	for rows.Next() {
		var l line
		if err := rows.Scan(&l.Kind, &l.ID, &l.Orders, &l.Cents); err != nil {
			return nil, err
		}
		lines = append(lines, l)
	}
	return lines, rows.Err()
}
