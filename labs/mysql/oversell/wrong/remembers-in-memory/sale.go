// fails: doubled
// shows: is in the table 2 times
// The till knows what it has sold. The second try goes to the other one.
package main

import (
	"context"
	"database/sql"
	"sync"
)

// What was sold, by request.
var sold sync.Map

// buy sells what is asked for and returns the order's number, or errSoldOut.
func buy(ctx context.Context, db *sql.DB, req request) (order int64, err error) {
	if order, ok := sold.Load(req.ID); ok {
		return order.(int64), nil
	}
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
	res, err = tx.ExecContext(ctx, "INSERT INTO orders (user_id, product_id, quantity) VALUES (?, ?, ?)",
		req.User, req.Product, req.Quantity)
	if err != nil {
		return 0, err
	}
	if order, err = res.LastInsertId(); err != nil {
		return 0, err
	}
	if err := tx.Commit(); err != nil {
		return 0, err
	}
	sold.Store(req.ID, order)
	return order, nil
}
