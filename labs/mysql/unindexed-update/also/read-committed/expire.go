package main

import (
	"context"
	"database/sql"
	"errors"

	"github.com/go-sql-driver/mysql"
)

// prepare has each cart say in which run of the job it was found abandoned.
func prepare(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "ALTER TABLE carts ADD COLUMN abandoned_by VARCHAR(40) NULL")
	var refused *mysql.MySQLError
	if errors.As(err, &refused) && refused.Number == 1060 { // it is there
		return nil
	}
	return err
}

// expire marks carts with the name of its run, and then has those customers reminded
// whose carts have it. At READ COMMITTED an UPDATE lets go of rows that it looks at
// and does not change, so an index is not needed; but the second statement may not
// ask what is due, as the answer may be another by then.
func expire(ctx context.Context, db *sql.DB, before string) error {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var run string
	if err := tx.QueryRowContext(ctx, "SELECT UUID()").Scan(&run); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE carts SET state = 'abandoned', abandoned_by = ? WHERE state = 'open' AND touched < ?", run, before)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO reminders (cart_id, touched, user_id)
		SELECT id, touched, user_id FROM carts WHERE abandoned_by = ?`, run)
	if err != nil {
		return err
	}
	return tx.Commit()
}
