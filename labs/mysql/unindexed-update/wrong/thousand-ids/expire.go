// fails: writers-blocked
// A thousand ids at a time, by the primary key, and a commit after each thousand. That is
// better than 40,000; those thousand are locked while the job waits for one of them.
package main

import (
	"context"
	"database/sql"
)

// prepare has nothing to change.
func prepare(context.Context, *sql.DB) error { return nil }

// expire goes through the carts in ranges of ids.
func expire(ctx context.Context, db *sql.DB, before string) error {
	const step = 1000
	var last int64
	if err := db.QueryRowContext(ctx, "SELECT COALESCE(MAX(id), 0) FROM carts").Scan(&last); err != nil {
		return err
	}
	for from := int64(1); from <= last; from += step {
		if err := rangeOf(ctx, db, from, from+step-1, before); err != nil {
			return err
		}
	}
	return nil
}

func rangeOf(ctx context.Context, db *sql.DB, from, to int64, before string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, `INSERT INTO reminders (cart_id, touched, user_id)
		SELECT id, touched, user_id FROM carts WHERE id BETWEEN ? AND ? AND state = 'open' AND touched < ?`, from, to, before)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE carts SET state = 'abandoned' WHERE id BETWEEN ? AND ? AND state = 'open' AND touched < ?", from, to, before)
	if err != nil {
		return err
	}
	return tx.Commit()
}
