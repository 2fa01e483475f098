package main

import (
	"context"
	"database/sql"
	"errors"

	"github.com/go-sql-driver/mysql"
)

// buy reads the stock without a lock and writes only if it is still what was
// read. Where somebody was quicker, it looks again.
func buy(ctx context.Context, db *sql.DB, req request) (order int64, err error) {
	for {
		err := db.QueryRowContext(ctx, "SELECT id FROM orders WHERE request_id = ?", req.ID).Scan(&order)
		if !errors.Is(err, sql.ErrNoRows) {
			return order, err
		}
		order, err = try(ctx, db, req)
		if !errors.Is(err, errAgain) {
			return order, err
		}
	}
}

// errAgain says that somebody else has sold, or the same, meanwhile.
var errAgain = errors.New("somebody was quicker")

func try(ctx context.Context, db *sql.DB, req request) (order int64, err error) {
	var stock int
	if err := db.QueryRowContext(ctx, "SELECT stock FROM products WHERE id = ?", req.Product).Scan(&stock); err != nil {
		return 0, err
	}
	if stock < req.Quantity {
		// The last piece may have gone to this very purchase.
		err := db.QueryRowContext(ctx, "SELECT id FROM orders WHERE request_id = ?", req.ID).Scan(&order)
		if !errors.Is(err, sql.ErrNoRows) {
			return order, err
		}
		return 0, errSoldOut
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	res, err := tx.ExecContext(ctx, "UPDATE products SET stock = ? WHERE id = ? AND stock = ?", stock-req.Quantity, req.Product, stock)
	if err != nil {
		return 0, err
	}
	if n, err := res.RowsAffected(); err != nil {
		return 0, err
	} else if n == 0 {
		return 0, errAgain
	}
	res, err = tx.ExecContext(ctx, "INSERT INTO orders (user_id, product_id, quantity, request_id) VALUES (?, ?, ?, ?)",
		req.User, req.Product, req.Quantity, req.ID)
	var refused *mysql.MySQLError
	if errors.As(err, &refused) && refused.Number == 1062 { // duplicate entry: the same purchase, through the other till
		return 0, errAgain
	}
	if err != nil {
		return 0, err
	}
	if order, err = res.LastInsertId(); err != nil {
		return 0, err
	}
	return order, tx.Commit()
}
