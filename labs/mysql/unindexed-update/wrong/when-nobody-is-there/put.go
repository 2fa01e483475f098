package main

import (
	"context"
	"database/sql"
)

// add puts something into a cart. A line that is not there is not asked for: its
// place would stay locked until the end, for others who ask just as for those who
// write. One statement finds it or makes it.
func add(ctx context.Context, db *sql.DB, p put) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
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
