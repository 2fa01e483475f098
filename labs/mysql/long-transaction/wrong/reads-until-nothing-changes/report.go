// fails: reports-missing
// shows: did not come: it sent 1000 things to MySQL, and was not done
// Without a snapshot, until two looks are the same. Somebody always delivers in between.
package main

import (
	"context"
	"database/sql"
	"slices"
)

// report prints what the cities have ordered, and what the couriers carry.
func report(ctx context.Context, db *sql.DB, name string) error {
	for {
		cities, err := readCities(ctx, db)
		if err != nil {
			return err
		}
		couriers, err := read(ctx, db, "SELECT 'courier', id, orders, cents FROM couriers ORDER BY id")
		if err != nil {
			return err
		}
		again, err := readCities(ctx, db)
		if err != nil {
			return err
		}
		if !slices.Equal(cities, again) {
			continue
		}
		n := 1
		for lines := range slices.Chunk(append(cities, couriers...), 20) {
			if err := printPage(ctx, page{name, n, lines}); err != nil {
				return err
			}
			n++
		}
		return nil
	}
}

func readCities(ctx context.Context, db *sql.DB) ([]line, error) {
	return read(ctx, db, "SELECT 'city', city, COUNT(*), SUM(cents) FROM deliveries GROUP BY city ORDER BY city")
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
