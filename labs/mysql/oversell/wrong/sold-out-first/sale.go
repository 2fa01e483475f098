// fails: wrong-answers
// shows: was told that it is sold out
// Nothing is sold twice. But who got the last piece and asks again hears "sold
// out": the stock is looked at before the request.
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
	res, err := tx.ExecContext(ctx, "UPDATE products SET stock = stock - ? WHERE id = ? AND stock >= ?",
		req.Quantity, req.Product, req.Quantity)
	if err != nil {
		return 0, err
	}
	if n, err := res.RowsAffected(); err != nil {
		return 0, err
	} else if n == 0 {
		return 0, errSoldOut
	}
	res, err = tx.ExecContext(ctx, "INSERT INTO orders (user_id, product_id, quantity, request_id) VALUES (?, ?, ?, ?)",
		req.User, req.Product, req.Quantity, req.ID)
	var refused *mysql.MySQLError
	if errors.As(err, &refused) && refused.Number == 1062 { // duplicate entry
		if err := tx.Rollback(); err != nil {
			return 0, err
		}
		err := db.QueryRowContext(ctx, "SELECT id FROM orders WHERE request_id = ?", req.ID).Scan(&order)
		return order, err
	}
	if err != nil {
		return 0, err
	}
	if order, err = res.LastInsertId(); err != nil {
		return 0, err
	}
	return order, tx.Commit()
}
