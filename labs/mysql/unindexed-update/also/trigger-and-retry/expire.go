package main

import (
	"context"
	"database/sql"
	"errors"

	"github.com/go-sql-driver/mysql"
)

// prepare gives the job an index, and has the reminder written by whoever marks a
// cart, in the same transaction.
func prepare(ctx context.Context, db *sql.DB) error {
	for _, text := range []string{
		"CREATE INDEX due ON carts (state, touched)",
		`CREATE TRIGGER remind AFTER UPDATE ON carts FOR EACH ROW
		   IF OLD.state = 'open' AND NEW.state = 'abandoned' THEN
		     INSERT INTO reminders (cart_id, touched, user_id) VALUES (NEW.id, NEW.touched, NEW.user_id);
		   END IF`,
	} {
		_, err := db.ExecContext(ctx, text)
		var refused *mysql.MySQLError
		if errors.As(err, &refused) && (refused.Number == 1061 || refused.Number == 1359) { // it is there
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// expire marks open carts that nobody has touched since then.
func expire(ctx context.Context, db *sql.DB, before string) error {
	_, err := db.ExecContext(ctx, "UPDATE carts SET state = 'abandoned' WHERE state = 'open' AND touched < ?", before)
	return err
}
