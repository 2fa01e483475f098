package main

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/go-sql-driver/mysql"
)

// add puts something into a cart. Who is ended by MySQL, as one of two who wait for
// each other, begins again from the beginning: nothing of it has happened.
func add(ctx context.Context, db *sql.DB, p put) error {
	for {
		err := try(ctx, db, p)
		var refused *mysql.MySQLError
		if !errors.As(err, &refused) || refused.Number != 1213 { // deadlock
			return err
		}
		select {
		case <-time.After(time.Duration(rand.IntN(20)) * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func try(ctx context.Context, db *sql.DB, p put) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var quantity int
	err = tx.QueryRowContext(ctx, "SELECT quantity FROM cart_lines WHERE cart_id = ? AND product_id = ? FOR UPDATE", p.Cart, p.Product).Scan(&quantity)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		_, err = tx.ExecContext(ctx, "INSERT INTO cart_lines (cart_id, product_id, quantity) VALUES (?, ?, ?)", p.Cart, p.Product, p.Quantity)
	case err == nil:
		_, err = tx.ExecContext(ctx, "UPDATE cart_lines SET quantity = ? WHERE cart_id = ? AND product_id = ?", quantity+p.Quantity, p.Cart, p.Product)
	}
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE carts SET state = 'open', touched = ? WHERE id = ?", p.At, p.Cart); err != nil {
		return err
	}
	return tx.Commit()
}
