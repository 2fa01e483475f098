package main

import (
	"context"
	"database/sql"
)

// buy sells what is asked for and returns the order's number, or errSoldOut.
func buy(ctx context.Context, db *sql.DB, req request) (order int64, err error) {
	var stock int
	if err := db.QueryRowContext(ctx, "SELECT stock FROM products WHERE id = ?", req.Product).Scan(&stock); err != nil {
		return 0, err
	}
	if stock < req.Quantity {
		return 0, errSoldOut
	}
	if _, err := db.ExecContext(ctx, "UPDATE products SET stock = stock - ? WHERE id = ?", req.Quantity, req.Product); err != nil {
		return 0, err
	}
	res, err := db.ExecContext(ctx, "INSERT INTO orders (user_id, product_id, quantity) VALUES (?, ?, ?)",
		req.User, req.Product, req.Quantity)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}
