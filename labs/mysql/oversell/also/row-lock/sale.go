package main

import (
	"context"
	"database/sql"
	"errors"
)

// buy locks the product's row before it looks at anything: who buys the same
// product waits until this transaction has ended, and then reads what it left.
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
	// The first read without a lock makes the snapshot: it is younger than the lock.
	err = tx.QueryRowContext(ctx, "SELECT id FROM orders WHERE request_id = ?", req.ID).Scan(&order)
	if !errors.Is(err, sql.ErrNoRows) {
		return order, err
	}
	if stock < req.Quantity {
		return 0, errSoldOut
	}
	if _, err := tx.ExecContext(ctx, "UPDATE products SET stock = ? WHERE id = ?", stock-req.Quantity, req.Product); err != nil {
		return 0, err
	}
	res, err := tx.ExecContext(ctx, "INSERT INTO orders (user_id, product_id, quantity, request_id) VALUES (?, ?, ?, ?)",
		req.User, req.Product, req.Quantity, req.ID)
	if err != nil {
		return 0, err
	}
	if order, err = res.LastInsertId(); err != nil {
		return 0, err
	}
	return order, tx.Commit()
}
