// fails: lines-wrong
// Two short transactions are two moments, also when they begin at once.
package main

import (
	"context"
	"database/sql"
	"slices"

	"golang.org/x/sync/errgroup"
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

// readAll reads both parts side by side, each in a short transaction.
func readAll(ctx context.Context, db *sql.DB) ([]line, error) {
	var cities, couriers []line
	var all errgroup.Group
	all.Go(func() (err error) {
		cities, err = read(ctx, db, "SELECT 'city', city, COUNT(*), SUM(cents) FROM deliveries GROUP BY city ORDER BY city")
		return err
	})
	all.Go(func() (err error) {
		couriers, err = read(ctx, db, "SELECT 'courier', id, orders, cents FROM couriers ORDER BY id")
		return err
	})
	err := all.Wait()
	return slices.Concat(cities, couriers), err
}

func read(ctx context.Context, db *sql.DB, query string) ([]line, error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
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
