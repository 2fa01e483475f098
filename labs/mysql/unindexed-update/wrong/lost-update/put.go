// fails: lines-wrong
// The quantity is read without a lock. Of three clicks that see the same one, one counts.
package main

import (
	"context"
	"database/sql"
	"errors"
)

// add puts something into a cart.
func add(ctx context.Context, db *sql.DB, p put) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var quantity int
	err = tx.QueryRowContext(ctx, "SELECT quantity FROM cart_lines WHERE cart_id = ? AND product_id = ?", p.Cart, p.Product).Scan(&quantity)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO cart_lines (cart_id, product_id, quantity) VALUES (?, ?, ?) AS new
		ON DUPLICATE KEY UPDATE quantity = new.quantity`, p.Cart, p.Product, quantity+p.Quantity)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE carts SET state = 'open', touched = ? WHERE id = ?", p.At, p.Cart); err != nil {
		return err
	}
	return tx.Commit()
}
