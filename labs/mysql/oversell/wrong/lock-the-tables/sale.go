// fails: others-blocked
// Right, and one buyer at a time in the whole shop.
package main

import (
	"context"
	"database/sql"
	"errors"
)

// buy sells what is asked for and returns the order's number, or errSoldOut.
func buy(ctx context.Context, db *sql.DB, req request) (order int64, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	for _, text := range []string{"SET autocommit = 0", "LOCK TABLES products WRITE, orders WRITE"} {
		if _, err := conn.ExecContext(ctx, text); err != nil {
			return 0, err
		}
	}
	defer func() {
		for _, text := range []string{"ROLLBACK", "UNLOCK TABLES", "SET autocommit = 1"} {
			if _, e := conn.ExecContext(ctx, text); err == nil {
				err = e
			}
		}
	}()
	err = conn.QueryRowContext(ctx, "SELECT id FROM orders WHERE request_id = ?", req.ID).Scan(&order)
	if !errors.Is(err, sql.ErrNoRows) {
		return order, err
	}
	var stock int
	if err := conn.QueryRowContext(ctx, "SELECT stock FROM products WHERE id = ?", req.Product).Scan(&stock); err != nil {
		return 0, err
	}
	if stock < req.Quantity {
		return 0, errSoldOut
	}
	if _, err := conn.ExecContext(ctx, "UPDATE products SET stock = stock - ? WHERE id = ?", req.Quantity, req.Product); err != nil {
		return 0, err
	}
	res, err := conn.ExecContext(ctx, "INSERT INTO orders (user_id, product_id, quantity, request_id) VALUES (?, ?, ?, ?)",
		req.User, req.Product, req.Quantity, req.ID)
	if err != nil {
		return 0, err
	}
	if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
		return 0, err
	}
	return res.LastInsertId()
}
