// fails: puts-failed
// shows: Deadlock found
// Nobody locks a gap. But whoever finds the line there by the error has it locked, as
// others who find it may at the same time; and then each of them wants to change it.
package main

import (
	"context"
	"database/sql"
	"errors"

	"github.com/go-sql-driver/mysql"
)

// add puts something into a cart. It tries to write the line first: only if it is
// there already, and so can be locked, it is changed.
func add(ctx context.Context, db *sql.DB, p put) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, "INSERT INTO cart_lines (cart_id, product_id, quantity) VALUES (?, ?, ?)", p.Cart, p.Product, p.Quantity)
	var refused *mysql.MySQLError
	if errors.As(err, &refused) && refused.Number == 1062 { // duplicate entry
		_, err = tx.ExecContext(ctx, "UPDATE cart_lines SET quantity = quantity + ? WHERE cart_id = ? AND product_id = ?", p.Quantity, p.Cart, p.Product)
	}
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE carts SET state = 'open', touched = ? WHERE id = ?", p.At, p.Cart); err != nil {
		return err
	}
	return tx.Commit()
}
