// fails: reminders-wrong
// Each statement for itself keeps locks for the shortest time. When the service dies
// between two, carts are abandoned whose customers are never reminded.
package main

import (
	"context"
	"database/sql"
)

// prepare has nothing to change.
func prepare(context.Context, *sql.DB) error { return nil }

// expire looks for carts that are due without locking anything, and then takes one
// after another by its id. Whether it is still due is
// asked again when it is locked.
func expire(ctx context.Context, db *sql.DB, before string) error {
	ids, err := due(ctx, db, before)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := abandon(ctx, db, id, before); err != nil {
			return err
		}
	}
	return nil
}

func due(ctx context.Context, db *sql.DB, before string) (ids []int64, err error) {
	rows, err := db.QueryContext(ctx, "SELECT id FROM carts WHERE state = 'open' AND touched < ?", before)
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

func abandon(ctx context.Context, db *sql.DB, id int64, before string) error {
	res, err := db.ExecContext(ctx, "UPDATE carts SET state = 'abandoned' WHERE id = ? AND state = 'open' AND touched < ?", id, before)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	_, err = db.ExecContext(ctx, "INSERT INTO reminders (cart_id, touched, user_id) SELECT id, touched, user_id FROM carts WHERE id = ?", id)
	return err
}
