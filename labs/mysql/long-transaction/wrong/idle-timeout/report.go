// fails: reports-missing
// shows: was answered with: 500
// The server ends the connection after a second without a statement: nothing
// is forgotten, and no report is ever finished.
package main

import (
	"context"
	"database/sql"
)

// report prints what the cities have ordered, and what the couriers carry.
func report(ctx context.Context, db *sql.DB, name string) error {
	// All pages show the same moment: that of the transaction's first read.
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "SET SESSION wait_timeout = 1"); err != nil {
		return err
	}
	cities, err := read(ctx, tx, "SELECT 'city', city, COUNT(*), SUM(cents) FROM deliveries GROUP BY city ORDER BY city")
	if err != nil {
		return err
	}
	if err := printPage(ctx, page{name, 1, cities}); err != nil {
		return err
	}
	var last int64
	for n := 2; ; n++ {
		couriers, err := read(ctx, tx, "SELECT 'courier', id, orders, cents FROM couriers WHERE id > ? ORDER BY id LIMIT 20", last)
		if err != nil {
			return err
		}
		if len(couriers) == 0 {
			break
		}
		if err := printPage(ctx, page{name, n, couriers}); err != nil {
			return err
		}
		last = couriers[len(couriers)-1].ID
	}
	return tx.Commit()
}

func read(ctx context.Context, tx *sql.Tx, query string, args ...any) ([]line, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
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
