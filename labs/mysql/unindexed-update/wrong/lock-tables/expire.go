// fails: writers-blocked
// One lock on the table instead of 40,000 on its rows. It is the same for who waits.
package main

import (
	"context"
	"database/sql"
)

// prepare has nothing to change.
func prepare(context.Context, *sql.DB) error { return nil }

// expire marks open carts that nobody has touched since then, and has their
// customers reminded.
func expire(ctx context.Context, db *sql.DB, before string) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "SET autocommit = 0"); err != nil {
		return err
	}
	defer func() { _, _ = conn.ExecContext(context.Background(), "SET autocommit = 1") }()
	if _, err := conn.ExecContext(ctx, "LOCK TABLES carts WRITE, reminders WRITE"); err != nil {
		return err
	}
	defer func() { _, _ = conn.ExecContext(context.Background(), "UNLOCK TABLES") }()
	_, err = conn.ExecContext(ctx, `INSERT INTO reminders (cart_id, touched, user_id)
		SELECT id, touched, user_id FROM carts WHERE state = 'open' AND touched < ?`, before)
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "UPDATE carts SET state = 'abandoned' WHERE state = 'open' AND touched < ?", before); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}
