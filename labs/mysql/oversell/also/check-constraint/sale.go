package main

import (
	"context"
	"database/sql"
	"errors"

	"github.com/go-sql-driver/mysql"
)

// buy lets MySQL refuse a stock below zero.
func buy(ctx context.Context, db *sql.DB, req request) (order int64, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	res, err := tx.ExecContext(ctx, "INSERT INTO orders (user_id, product_id, quantity, request_id) VALUES (?, ?, ?, ?)",
		req.User, req.Product, req.Quantity, req.ID)
	if is(err, duplicateEntry) {
		err := tx.QueryRowContext(ctx, "SELECT id FROM orders WHERE request_id = ?", req.ID).Scan(&order)
		return order, err
	}
	if err != nil {
		return 0, err
	}
	if order, err = res.LastInsertId(); err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, "UPDATE products SET stock = stock - ? WHERE id = ?", req.Quantity, req.Product)
	if is(err, checkViolated) {
		return 0, errSoldOut
	}
	if err != nil {
		return 0, err
	}
	return order, tx.Commit()
}

const (
	duplicateEntry = 1062
	duplicateCheck = 3822
	checkViolated  = 3819
)

func is(err error, number uint16) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && refused.Number == number
}

// constrain adds the constraint before the till opens, unless the other till has.
func constrain(db *sql.DB) error {
	_, err := db.Exec("ALTER TABLE products ADD CONSTRAINT enough CHECK (stock >= 0)")
	if is(err, duplicateCheck) {
		return nil
	}
	return err
}
