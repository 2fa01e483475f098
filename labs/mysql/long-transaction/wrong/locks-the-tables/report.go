// fails: reports-missing
// Nobody may write while the report reads. So it waits until nobody does, and
// the cashier does all evening.
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

// readAll reads all lines as they are at one moment. Meanwhile nobody writes.
func readAll(ctx context.Context, db *sql.DB) ([]line, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "LOCK TABLES deliveries READ, couriers READ"); err != nil {
		return nil, err
	}
	defer func() { _, _ = conn.ExecContext(ctx, "UNLOCK TABLES") }()
	cities, err := read(ctx, conn, "SELECT 'city', city, COUNT(*), SUM(cents) FROM deliveries GROUP BY city ORDER BY city")
	if err != nil {
		return nil, err
	}
	couriers, err := read(ctx, conn, "SELECT 'courier', id, orders, cents FROM couriers ORDER BY id")
	if err != nil {
		return nil, err
	}
	return slices.Concat(cities, couriers), nil
}

func read(ctx context.Context, conn *sql.Conn, query string) ([]line, error) {
	rows, err := conn.QueryContext(ctx, query)
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
