// fails: puts-failed
// An UPDATE that finds no row locks the place where it would be, as a SELECT FOR
// UPDATE does.
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
	res, err := tx.ExecContext(ctx, "UPDATE cart_lines SET quantity = quantity + ? WHERE cart_id = ? AND product_id = ?", p.Quantity, p.Cart, p.Product)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil {
		return err
	} else if n == 0 {
		_, err := tx.ExecContext(ctx, "INSERT INTO cart_lines (cart_id, product_id, quantity) VALUES (?, ?, ?)", p.Cart, p.Product, p.Quantity)
		if err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, "UPDATE carts SET state = 'open', touched = ? WHERE id = ?", p.At, p.Cart); err != nil {
		return err
	}
	return tx.Commit()
}
