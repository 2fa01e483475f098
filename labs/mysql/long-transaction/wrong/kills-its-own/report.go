// fails: reports-missing
// Only the reports' own transactions are killed. No report ever gets past its
// first pages.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"time"
)

// report prints what the cities have ordered, and what the couriers carry.
func report(ctx context.Context, db *sql.DB, name string) error {
	// All pages show the same moment: that of the transaction's first read.
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
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

// watch ends what has been open for too long, if it is ours.
func watch(ctx context.Context, db *sql.DB) {
	for range time.Tick(200 * time.Millisecond) {
		ids, err := old(ctx, db)
		if err != nil {
			log.Print(err)
		}
		for _, id := range ids {
			_, err := db.ExecContext(ctx, fmt.Sprintf("KILL %d", id))
			log.Printf("end connection %d: %v", id, err)
		}
	}
}

// old lists the connections whose transactions are.
func old(ctx context.Context, db *sql.DB) (ids []int64, err error) {
	rows, err := db.QueryContext(ctx, `SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX
		JOIN performance_schema.processlist ON ID = trx_mysql_thread_id
		WHERE USER = 'reports' AND trx_started < NOW() - INTERVAL 1 SECOND`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
