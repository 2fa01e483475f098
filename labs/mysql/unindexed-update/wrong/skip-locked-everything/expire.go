// fails: writers-blocked, job-locks
// SKIP LOCKED has the job wait for nobody. Everybody else waits for the job: it
// locks all rows that nobody else has.
package main

import (
	"context"
	"database/sql"
	"time"
)

// prepare has nothing to change.
func prepare(context.Context, *sql.DB) error { return nil }

// expire takes what is due in small portions, and waits for nobody.
func expire(ctx context.Context, db *sql.DB, before string) error {
	for {
		n, err := portion(ctx, db, before)
		if err != nil || n == 0 {
			return err
		}
	}
}

type cart struct {
	id, user int64
	touched  time.Time
}

func portion(ctx context.Context, db *sql.DB, before string) (int, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	carts, err := due(ctx, tx, before)
	if err != nil {
		return 0, err
	}
	for _, c := range carts {
		if _, err := tx.ExecContext(ctx, "UPDATE carts SET state = 'abandoned' WHERE id = ?", c.id); err != nil {
			return 0, err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO reminders (cart_id, touched, user_id) VALUES (?, ?, ?)", c.id, c.touched, c.user); err != nil {
			return 0, err
		}
	}
	return len(carts), tx.Commit()
}

func due(ctx context.Context, tx *sql.Tx, before string) (carts []cart, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, user_id, touched FROM carts WHERE state = 'open' AND touched < ? LIMIT 50 FOR UPDATE SKIP LOCKED", before)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c cart
		if err := rows.Scan(&c.id, &c.user, &c.touched); err != nil {
			return nil, err
		}
		carts = append(carts, c)
	}
	return carts, rows.Err()
}
