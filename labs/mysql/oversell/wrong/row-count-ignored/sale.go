// fails: oversold
// The UPDATE has its condition, and nobody asks whether it found a row.
package main

import (
	"context"
	"database/sql"
	"errors"

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
	_, err = tx.ExecContext(ctx, "UPDATE products SET stock = stock - ? WHERE id = ? AND stock >= ?",
		req.Quantity, req.Product, req.Quantity)
	if err != nil {
		return 0, err
	}
	return order, tx.Commit()
}
