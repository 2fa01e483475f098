// fails: wrong-answers
// shows: which was bought by request
// A purchase is known by who buys what. It needs no name from the app, and whoever
// wants a second one is told that they have it already.
package main

import (
	"context"
	"database/sql"
	"errors"
)

// buy sells what is asked for and returns the order's number, or errSoldOut.
func buy(ctx context.Context, db *sql.DB, req request) (order int64, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	var stock int
	if err := tx.QueryRowContext(ctx, "SELECT stock FROM products WHERE id = ? FOR UPDATE", req.Product).Scan(&stock); err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, "SELECT id FROM orders WHERE user_id = ? AND product_id = ?", req.User, req.Product).Scan(&order)
	if !errors.Is(err, sql.ErrNoRows) {
		return order, err
	}
	if stock < req.Quantity {
		return 0, errSoldOut
	}
	if _, err := tx.ExecContext(ctx, "UPDATE products SET stock = stock - ? WHERE id = ?", req.Quantity, req.Product); err != nil {
		return 0, err
	}
	res, err := tx.ExecContext(ctx, "INSERT INTO orders (user_id, product_id, quantity) VALUES (?, ?, ?)",
		req.User, req.Product, req.Quantity)
	if err != nil {
		return 0, err
	}
	if order, err = res.LastInsertId(); err != nil {
		return 0, err
	}
	return order, tx.Commit()
}
