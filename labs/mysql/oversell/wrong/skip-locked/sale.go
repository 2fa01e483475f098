// fails: unsold
// SKIP LOCKED lets nobody wait. A row that is skipped looks like one that is not there.
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
	err = tx.QueryRowContext(ctx, "SELECT id FROM orders WHERE request_id = ?", req.ID).Scan(&order)
	if !errors.Is(err, sql.ErrNoRows) {
		return order, err
	}
	var stock int
	err = tx.QueryRowContext(ctx, "SELECT stock FROM products WHERE id = ? AND stock >= ? FOR UPDATE SKIP LOCKED",
		req.Product, req.Quantity).Scan(&stock)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, errSoldOut
	}
	if err != nil {
		return 0, err
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
