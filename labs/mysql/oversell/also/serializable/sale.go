package main

import (
	"context"
	"database/sql"
	"errors"

	"github.com/go-sql-driver/mysql"
)

// buy reads and writes in a serializable transaction: what it has read stays so
// until it ends. Two that have read the same row can't both write it; MySQL ends
// one of them as a deadlock, and that one begins again.
func buy(ctx context.Context, db *sql.DB, req request) (order int64, err error) {
	for {
		order, err = try(ctx, db, req)
		var refused *mysql.MySQLError
		if !errors.As(err, &refused) || refused.Number != 1213 { // deadlock
			return order, err
		}
	}
}

func try(ctx context.Context, db *sql.DB, req request) (order int64, err error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	var stock int
	if err := tx.QueryRowContext(ctx, "SELECT stock FROM products WHERE id = ?", req.Product).Scan(&stock); err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE products SET stock = stock - ? WHERE id = ?", req.Quantity, req.Product); err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, "SELECT id FROM orders WHERE request_id = ?", req.ID).Scan(&order)
	if !errors.Is(err, sql.ErrNoRows) {
		return order, err
	}
	if stock < req.Quantity {
		return 0, errSoldOut
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
