// fails: dispatch-refused, reports-missing
// SERIALIZABLE locks what is read: orders have to wait for the report, and the
// report for the cashier.
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

// readAll reads all lines as they are at one moment, and locks them. When it returns, the
// transaction is over, whatever happened.
func readAll(ctx context.Context, db *sql.DB) ([]line, error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	cities, err := read(ctx, tx, "SELECT 'city', city, COUNT(*), SUM(cents) FROM deliveries GROUP BY city ORDER BY city")
	if err != nil {
		return nil, err
	}
	couriers, err := read(ctx, tx, "SELECT 'courier', id, orders, cents FROM couriers ORDER BY id")
	if err != nil {
		return nil, err
	}
	return slices.Concat(cities, couriers), tx.Commit()
}

func read(ctx context.Context, tx *sql.Tx, query string) ([]line, error) {
	rows, err := tx.QueryContext(ctx, query)
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
