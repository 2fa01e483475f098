// fails: carts-wrong
// The statement that MySQL has ended is sent once more. But MySQL has ended the
// transaction, with all that it did before; what comes now is another one.
package main

import (
	"context"
	"database/sql"
	"errors"

	"github.com/go-sql-driver/mysql"
)

// add puts something into a cart.
func add(ctx context.Context, db *sql.DB, p put) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	defer func() { _, _ = conn.ExecContext(context.Background(), "ROLLBACK") }()
	if _, err := conn.ExecContext(ctx, "UPDATE carts SET state = 'open', touched = ? WHERE id = ?", p.At, p.Cart); err != nil {
		return err
	}
	var quantity int
	err = conn.QueryRowContext(ctx, "SELECT quantity FROM cart_lines WHERE cart_id = ? AND product_id = ? FOR UPDATE", p.Cart, p.Product).Scan(&quantity)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		err = again(func() error {
			_, err := conn.ExecContext(ctx, "INSERT INTO cart_lines (cart_id, product_id, quantity) VALUES (?, ?, ?)", p.Cart, p.Product, p.Quantity)
			return err
		})
	case err == nil:
		_, err = conn.ExecContext(ctx, "UPDATE cart_lines SET quantity = ? WHERE cart_id = ? AND product_id = ?", quantity+p.Quantity, p.Cart, p.Product)
	}
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}

// again does it until it works.
func again(statement func() error) error {
	for {
		err := statement()
		var refused *mysql.MySQLError
		if !errors.As(err, &refused) || refused.Number != 1213 { // deadlock
			return err
		}
	}
}
