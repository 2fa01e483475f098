// fails: lines-wrong
// REPLACE waits for no gap of others. It deletes the line that is there, with what it
// says.
package main

import (
	"context"
	"database/sql"
)

// add puts something into a cart.
func add(ctx context.Context, db *sql.DB, p put) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, "REPLACE INTO cart_lines (cart_id, product_id, quantity) VALUES (?, ?, ?)", p.Cart, p.Product, p.Quantity)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE carts SET state = 'open', touched = ? WHERE id = ?", p.At, p.Cart); err != nil {
		return err
	}
	return tx.Commit()
}
