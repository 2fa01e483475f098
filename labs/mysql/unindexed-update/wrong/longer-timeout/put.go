// fails: job-locks, writers-blocked
// Nobody gets an error any more, they wait for ten minutes instead. What they wait
// for is still there.
package main

import (
	"context"
	"database/sql"
)

// add puts something into a cart, however long it takes.
func add(ctx context.Context, db *sql.DB, p put) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "SET SESSION innodb_lock_wait_timeout = 600"); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO cart_lines (cart_id, product_id, quantity) VALUES (?, ?, ?) AS new
		ON DUPLICATE KEY UPDATE quantity = cart_lines.quantity + new.quantity`, p.Cart, p.Product, p.Quantity)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE carts SET state = 'open', touched = ? WHERE id = ?", p.At, p.Cart); err != nil {
		return err
	}
	return tx.Commit()
}
