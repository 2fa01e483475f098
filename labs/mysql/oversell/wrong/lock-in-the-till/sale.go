// fails: oversold
// A lock of the program, one for each product. There are two programs.
package main

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// One purchase of a product at a time.
var locks sync.Map

// buy sells what is asked for and returns the order's number, or errSoldOut.
func buy(ctx context.Context, db *sql.DB, req request) (order int64, err error) {
	lock, _ := locks.LoadOrStore(req.Product, &sync.Mutex{})
	lock.(*sync.Mutex).Lock()
	defer lock.(*sync.Mutex).Unlock()
	err = db.QueryRowContext(ctx, "SELECT id FROM orders WHERE request_id = ?", req.ID).Scan(&order)
	if !errors.Is(err, sql.ErrNoRows) {
		return order, err
	}
	var stock int
	if err := db.QueryRowContext(ctx, "SELECT stock FROM products WHERE id = ?", req.Product).Scan(&stock); err != nil {
		return 0, err
	}
	if stock < req.Quantity {
		return 0, errSoldOut
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "UPDATE products SET stock = stock - ? WHERE id = ?", req.Quantity, req.Product); err != nil {
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
