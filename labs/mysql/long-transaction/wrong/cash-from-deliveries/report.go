// fails: lines-wrong
// shows: cents in the report, and had
// A statement on one table shows one moment, so all is made from the deliveries, and
// from the cash that was there before. Couriers get cash that no order brings.
package main

import (
	"context"
	"database/sql"
	"slices"
	"sync"
)

var (
	mu     sync.Mutex
	before map[int64]int64 // cents that no delivery has brought, by courier
)

// report prints what the cities have ordered, and what the couriers carry.
func report(ctx context.Context, db *sql.DB, name string) error {
	mu.Lock()
	defer mu.Unlock()
	if before == nil {
		lines, err := read(ctx, db, `
			SELECT 'courier', c.id, 0, c.cents - COALESCE(SUM(d.cents), 0)
			  FROM couriers c LEFT JOIN deliveries d ON d.courier = c.id GROUP BY c.id`)
		if err != nil {
			return err
		}
		before = map[int64]int64{}
		for _, l := range lines {
			before[l.ID] = l.Cents
		}
	}
	lines, err := read(ctx, db, `
		SELECT 'city', city, COUNT(*), SUM(cents) FROM deliveries GROUP BY city
		UNION ALL
		SELECT 'courier', c.id, COUNT(d.id), COALESCE(SUM(d.cents), 0)
		  FROM couriers c LEFT JOIN deliveries d ON d.courier = c.id GROUP BY c.id`)
	if err != nil {
		return err
	}
	for i, l := range lines {
		if l.Kind == "courier" {
			lines[i].Cents += before[l.ID]
		}
	}
	n := 1
	for lines := range slices.Chunk(lines, 20) {
		if err := printPage(ctx, page{name, n, lines}); err != nil {
			return err
		}
		n++
	}
	return nil
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
