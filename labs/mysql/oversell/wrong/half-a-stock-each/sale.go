// fails: unsold
// Each till sells half of the stock without asking the other. Where more buyers
// come to one of them, or a till starts again, pieces stay on the shelf.
package main

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/go-sql-driver/mysql"
)

// buy sells what is asked for and returns the order's number, or errSoldOut.
func buy(ctx context.Context, db *sql.DB, req request) (order int64, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	res, err := tx.ExecContext(ctx, "INSERT INTO orders (user_id, product_id, quantity, request_id) VALUES (?, ?, ?, ?)",
		req.User, req.Product, req.Quantity, req.ID)
	var refused *mysql.MySQLError
	if errors.As(err, &refused) && refused.Number == 1062 { // duplicate entry
		err := tx.QueryRowContext(ctx, "SELECT id FROM orders WHERE request_id = ?", req.ID).Scan(&order)
		return order, err
	}
	if err != nil {
		return 0, err
	}
	if order, err = res.LastInsertId(); err != nil {
		return 0, err
	}
	if left, err := mine(ctx, tx, req); err != nil {
		return 0, err
	} else if left < req.Quantity {
		return 0, errSoldOut
	}
	_, err = tx.ExecContext(ctx, "UPDATE products SET stock = stock - ? WHERE id = ?", req.Quantity, req.Product)
	if err != nil {
		return 0, err
	}
	if err := tx.Commit(); err != nil {
		return 0, err
	}
	return order, nil
}

var (
	mu     sync.Mutex
	shares = map[int64]int{}
)

// mine takes from this till's half of the product's stock, and returns how much was left before.
func mine(ctx context.Context, tx *sql.Tx, req request) (left int, err error) {
	mu.Lock()
	defer mu.Unlock()
	left, known := shares[req.Product]
	if !known {
		if err := tx.QueryRowContext(ctx, "SELECT stock FROM products WHERE id = ?", req.Product).Scan(&left); err != nil {
			return 0, err
		}
		left /= 2
	}
	shares[req.Product] = left
	if left >= req.Quantity {
		shares[req.Product] -= req.Quantity
	}
	return left, nil
}
