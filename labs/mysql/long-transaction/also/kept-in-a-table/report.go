package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// lines keeps the reports: what is printed is read from it, page by page, and
// a report that the printer refused goes on where it stopped.
const lines = `
	CREATE TABLE IF NOT EXISTS report_lines (
	  report VARCHAR(60) NOT NULL,
	  line   INT NOT NULL,
	  kind   VARCHAR(10) NOT NULL,
	  id     INT NOT NULL,
	  orders BIGINT NOT NULL,
	  cents  BIGINT NOT NULL,
	  printed BOOLEAN NOT NULL DEFAULT FALSE,
	  PRIMARY KEY (report, line)
	)`

// fill is one statement, and so one moment.
const fill = `
	INSERT INTO report_lines (report, line, kind, id, orders, cents)
	SELECT ?, ROW_NUMBER() OVER (ORDER BY kind, id), kind, id, orders, cents FROM (
	  SELECT 'city' AS kind, city AS id, COUNT(*) AS orders, SUM(cents) AS cents FROM deliveries GROUP BY city
	  UNION ALL
	  SELECT 'courier', id, orders, cents FROM couriers
	) AS now`

// report prints what the cities have ordered, and what the couriers carry.
func report(ctx context.Context, db *sql.DB, name string) error {
	if _, err := db.ExecContext(ctx, lines); err != nil {
		return err
	}
	if err := keep(ctx, db, name); err != nil {
		return err
	}
	const perPage = 20
	for n := 1; ; n++ {
		first, last := perPage*(n-1)+1, perPage*n
		sheet, err := read(ctx, db, "SELECT kind, id, orders, cents FROM report_lines WHERE report = ? AND line BETWEEN ? AND ? AND NOT printed ORDER BY line", name, first, last)
		if err != nil {
			return err
		}
		if len(sheet) > 0 {
			if err := printPage(ctx, page{name, n, sheet}); err != nil {
				return err
			}
			if _, err := db.ExecContext(ctx, "UPDATE report_lines SET printed = TRUE WHERE report = ? AND line BETWEEN ? AND ?", name, first, last); err != nil {
				return err
			}
			continue
		}
		var more bool
		err = db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM report_lines WHERE report = ? AND line > ?)", name, last).Scan(&more)
		if err != nil || !more {
			return err
		}
	}
}

// keep fills in a report that is not there yet.
func keep(ctx context.Context, db *sql.DB, name string) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var there bool
	if err := conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM report_lines WHERE report = ?)", name).Scan(&there); err != nil || there {
		return err
	}
	// At REPEATABLE READ an INSERT … SELECT locks the rows that it reads, and
	// waits for those that somebody else has changed.
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fill, name); err != nil {
		return errors.Join(fmt.Errorf("keep %s: %w", name, err), tx.Rollback())
	}
	return tx.Commit()
}

func read(ctx context.Context, db *sql.DB, query string, args ...any) ([]line, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var sheet []line
	for rows.Next() {
		var l line
		if err := rows.Scan(&l.Kind, &l.ID, &l.Orders, &l.Cents); err != nil {
			return nil, err
		}
		sheet = append(sheet, l)
	}
	return sheet, rows.Err()
}
