package main

import (
	"context"
	"database/sql"
	"errors"

	"github.com/go-sql-driver/mysql"
)

// prepare gives the job an index, so that it looks at the carts that are due and at
// no others: what it looks at, it locks.
func prepare(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "CREATE INDEX due ON carts (state, touched)")
	var refused *mysql.MySQLError
	if errors.As(err, &refused) && refused.Number == 1061 { // it is there
		return nil
	}
	return err
}

// expire marks open carts that nobody has touched since then, and has their
// customers reminded.
func expire(ctx context.Context, db *sql.DB, before string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
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
