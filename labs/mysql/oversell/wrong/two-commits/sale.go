// fails: stock-wrong
// shows: are in orders, and its stock is
// The condition is in the UPDATE, and stock and order are two transactions: a
// duplicate is refused, and so is an order when MySQL or the till dies, after its
// piece is gone.
package main

import (
	"context"
	"database/sql"
	"errors"
)

// buy sells what is asked for and returns the order's number, or errSoldOut.
func buy(ctx context.Context, db *sql.DB, req request) (order int64, err error) {
	err = db.QueryRowContext(ctx, "SELECT id FROM orders WHERE request_id = ?", req.ID).Scan(&order)
	if !errors.Is(err, sql.ErrNoRows) {
		return order, err
	}
	res, err := db.ExecContext(ctx, "UPDATE products SET stock = stock - ? WHERE id = ? AND stock >= ?",
		req.Quantity, req.Product, req.Quantity)
	if err != nil {
		return 0, err
	}
	if n, err := res.RowsAffected(); err != nil {
		return 0, err
	} else if n == 0 {
		return 0, errSoldOut
	}
	res, err = db.ExecContext(ctx, "INSERT INTO orders (user_id, product_id, quantity, request_id) VALUES (?, ?, ?, ?)",
		req.User, req.Product, req.Quantity, req.ID)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}
