// fails: stock-wrong
// A request that is known is answered first, the condition is in the UPDATE, and
// a duplicate gives back what it took. Each of the three is a commit of its own.
package main

import (
	"context"
	"database/sql"
	"errors"

	"github.com/go-sql-driver/mysql"
)

// buy sells what is asked for and returns the order's number, or errSoldOut.
func buy(ctx context.Context, db *sql.DB, req request) (order int64, err error) {
	if order, err = find(ctx, db, req); !errors.Is(err, sql.ErrNoRows) {
		return order, err
	}
	res, err := db.ExecContext(ctx, "UPDATE products SET stock = stock - ? WHERE id = ? AND stock >= ?",
		req.Quantity, req.Product, req.Quantity)
	if err != nil {
		return 0, err
	}
	if n, err := res.RowsAffected(); err != nil {
		return 0, err
	} else if n == 0 {
		return 0, errSoldOut
	}
	res, err = db.ExecContext(ctx, "INSERT INTO orders (user_id, product_id, quantity, request_id) VALUES (?, ?, ?, ?)",
		req.User, req.Product, req.Quantity, req.ID)
	if err == nil {
		return res.LastInsertId()
	}
	if _, back := db.ExecContext(ctx, "UPDATE products SET stock = stock + ? WHERE id = ?", req.Quantity, req.Product); back != nil {
		return 0, back
	}
	var refused *mysql.MySQLError
	if errors.As(err, &refused) && refused.Number == 1062 { // duplicate entry
		return find(ctx, db, req)
	}
	return 0, err
}

// find is the order of a request that was sold already.
func find(ctx context.Context, db *sql.DB, req request) (order int64, err error) {
	err = db.QueryRowContext(ctx, "SELECT id FROM orders WHERE request_id = ?", req.ID).Scan(&order)
	return order, err
}
