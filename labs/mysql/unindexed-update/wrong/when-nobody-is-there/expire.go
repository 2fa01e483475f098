// fails: carts-wrong
// shows: the job was answered: 500
// A job that disturbs nobody, as it leaves if anybody is there. Somebody always is.
package main

import (
	"context"
	"database/sql"
)

// prepare changes the tables, if they need that, before the service serves.
func prepare(context.Context, *sql.DB) error { return nil }

// expire marks open carts that nobody has touched since then, and has their
// customers reminded.
func expire(ctx context.Context, db *sql.DB, before string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, all := range []string{"SELECT id FROM carts FOR UPDATE NOWAIT", "SELECT cart_id FROM reminders FOR UPDATE NOWAIT"} {
		if _, err := tx.ExecContext(ctx, all); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO reminders (cart_id, touched, user_id)
		SELECT id, touched, user_id FROM carts WHERE state = 'open' AND touched < ?`, before)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE carts SET state = 'abandoned' WHERE state = 'open' AND touched < ?", before); err != nil {
		return err
	}
	return tx.Commit()
}
