// fails: history, history-after
// The totals are read in a short transaction. With autocommit off the next
// SELECT begins another one, which nobody ends.
package main

import (
	"context"
	"database/sql"
	"log"
	"slices"
)

// report prints what the cities have ordered, and what the couriers carry.
func report(ctx context.Context, db *sql.DB, name string) error {
	lines, err := readAll(ctx, db)
	if err != nil {
		return err
	}
	n := 0
	// Names are looked up when they are printed.
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "SET SESSION autocommit = 0"); err != nil {
		return err
	}
	for sheet := range slices.Chunk(lines, 20) {
		n++
		for _, l := range sheet {
			var name string
			if err := conn.QueryRowContext(ctx, "SELECT COALESCE(MAX(name), 'city') FROM couriers WHERE id = ? AND ? = 'courier'", l.ID, l.Kind).Scan(&name); err != nil {
				return err
			}
			log.Printf("%s %d is %s", l.Kind, l.ID, name)
		}
		if err := printPage(ctx, page{name, n, sheet}); err != nil {
			return err
		}
	}
	return nil
}

// readAll reads all lines as they are at one moment. When it returns, the
// transaction is over, whatever happened.
func readAll(ctx context.Context, db *sql.DB) ([]line, error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
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
