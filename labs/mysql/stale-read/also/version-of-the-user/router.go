package main

import (
	"context"
	"database/sql"
	"fmt"
)

// router writes on the source and reads on the replica. Each write raises the
// user's version, in the same transaction, so that whoever reads the version on
// the replica knows which writes are there. No GTIDs are needed.
type router struct{ source, replica *sql.DB }

// prepare makes the table, if the other instance has not.
func (r *router) prepare() error {
	_, err := r.source.Exec("CREATE TABLE IF NOT EXISTS versions (user_id BIGINT PRIMARY KEY, version BIGINT NOT NULL)")
	return err
}

// write runs a statement for the user and returns the user's new version.
func (r *router) write(ctx context.Context, user int64, text string, args ...any) (id, version int64, err error) {
	tx, err := r.source.BeginTx(ctx, nil)
	if err != nil {
		return 0, 0, err
	}
	defer tx.Rollback()
	res, err := tx.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, 0, err
	}
	if id, err = res.LastInsertId(); err != nil {
		return 0, 0, err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO versions VALUES (?, 1) ON DUPLICATE KEY UPDATE version = version + 1", user)
	if err != nil {
		return 0, 0, err
	}
	if err := tx.QueryRowContext(ctx, "SELECT version FROM versions WHERE user_id = ?", user).Scan(&version); err != nil {
		return 0, 0, err
	}
	return id, version, tx.Commit()
}

// place writes an order.
func (r *router) place(ctx context.Context, user int64, item string) (answer, error) {
	id, version, err := r.write(ctx, user, "INSERT INTO orders (user_id, item) VALUES (?, ?)", user, item)
	return answer{Session: fmt.Sprint(version), Order: id}, err
}

// cancel cancels an order of the user's.
func (r *router) cancel(ctx context.Context, user, order int64) (answer, error) {
	_, version, err := r.write(ctx, user, "UPDATE orders SET status = 'cancelled' WHERE id = ? AND user_id = ?", order, user)
	return answer{Session: fmt.Sprint(version)}, err
}

// list reads the user's orders. session is what the app was given last.
func (r *router) list(ctx context.Context, user int64, session string) (answer, error) {
	if r.has(ctx, user, session) {
		if orders, err := read(ctx, r.replica, user); err == nil {
			return answer{Orders: orders}, nil
		}
	}
	orders, err := read(ctx, r.source, user)
	return answer{Orders: orders}, err
}

// has asks for the user's version on the replica. What is read there after that
// is not older.
func (r *router) has(ctx context.Context, user int64, session string) bool {
	if session == "" {
		return true
	}
	var there bool
	err := r.replica.QueryRowContext(ctx, "SELECT version >= ? FROM versions WHERE user_id = ?", session, user).Scan(&there)
	return err == nil && there
}

func read(ctx context.Context, db *sql.DB, user int64) ([]order, error) {
	rows, err := db.QueryContext(ctx, "SELECT id, item, status FROM orders WHERE user_id = ? ORDER BY id", user)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var orders []order
	for rows.Next() {
		var o order
		if err := rows.Scan(&o.ID, &o.Item, &o.Status); err != nil {
			return nil, err
		}
		orders = append(orders, o)
	}
	return orders, rows.Err()
}
