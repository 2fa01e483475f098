// fails: lines-wrong
// Everything is read at once, almost: between two statements others write.
package main

import (
	"context"
	"database/sql"
	"slices"
)

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

// readAll reads all lines, one statement after the other.
func readAll(ctx context.Context, db *sql.DB) ([]line, error) {
	cities, err := read(ctx, db, "SELECT 'city', city, COUNT(*), SUM(cents) FROM deliveries GROUP BY city ORDER BY city")
	if err != nil {
		return nil, err
	}
	couriers, err := read(ctx, db, "SELECT 'courier', id, orders, cents FROM couriers ORDER BY id")
	if err != nil {
		return nil, err
	}
	return slices.Concat(cities, couriers), nil
}

func read(ctx context.Context, db *sql.DB, query string) ([]line, error) {
	rows, err := db.QueryContext(ctx, query)
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
