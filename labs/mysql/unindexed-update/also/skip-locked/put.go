package main

import (
	"context"
	"database/sql"
	"errors"

	"github.com/go-sql-driver/mysql"
)

// add puts something into a cart. Its cart is locked first, so that a customer who
// presses twice waits for themselves. Then it tries to write the line: only if it is
// there already, and so can be locked, it is changed.
func add(ctx context.Context, db *sql.DB, p put) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "UPDATE carts SET state = 'open', touched = ? WHERE id = ?", p.At, p.Cart); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO cart_lines (cart_id, product_id, quantity) VALUES (?, ?, ?)", p.Cart, p.Product, p.Quantity)
	var refused *mysql.MySQLError
	if errors.As(err, &refused) && refused.Number == 1062 { // duplicate entry
		_, err = tx.ExecContext(ctx, "UPDATE cart_lines SET quantity = quantity + ? WHERE cart_id = ? AND product_id = ?", p.Quantity, p.Cart, p.Product)
	}
	if err != nil {
		return err
	}
	return tx.Commit()
}
