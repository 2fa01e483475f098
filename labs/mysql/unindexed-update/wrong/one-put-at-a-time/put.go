// fails: writers-blocked
// shows: and so does a customer whose cart somebody has locked
// Who puts something into a cart that somebody else has locked keeps everybody waiting.
package main

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

var putting sync.Mutex // no two puts at a time: no deadlocks

// add puts something into a cart.
func add(ctx context.Context, db *sql.DB, p put) error {
	putting.Lock()
	defer putting.Unlock()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var quantity int
	err = tx.QueryRowContext(ctx, "SELECT quantity FROM cart_lines WHERE cart_id = ? AND product_id = ? FOR UPDATE", p.Cart, p.Product).Scan(&quantity)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		_, err = tx.ExecContext(ctx, "INSERT INTO cart_lines (cart_id, product_id, quantity) VALUES (?, ?, ?)", p.Cart, p.Product, p.Quantity)
	case err == nil:
		_, err = tx.ExecContext(ctx, "UPDATE cart_lines SET quantity = ? WHERE cart_id = ? AND product_id = ?", quantity+p.Quantity, p.Cart, p.Product)
	}
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE carts SET state = 'open', touched = ? WHERE id = ?", p.At, p.Cart); err != nil {
		return err
	}
	return tx.Commit()
}
