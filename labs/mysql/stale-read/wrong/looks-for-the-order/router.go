// fails: stale-reads
// shows: had cancelled order
// If the new order is in the list, the list is new. A cancelled one was there before.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
)

// router writes on the source and reads on the replica, if that has what the
// app has written.
type router struct{ source, replica *sql.DB }

// place writes an order.
func (r *router) place(ctx context.Context, user int64, item string) (answer, error) {
	res, err := r.source.ExecContext(ctx, "INSERT INTO orders (user_id, item) VALUES (?, ?)", user, item)
	if err != nil {
		return answer{}, err
	}
	id, err := res.LastInsertId()
	if err != nil {
		return answer{}, err
	}
	return answer{Session: fmt.Sprint(id), Order: id}, nil
}

// cancel cancels an order of the user's.
func (r *router) cancel(ctx context.Context, user, order int64) (answer, error) {
	_, err := r.source.ExecContext(ctx, "UPDATE orders SET status = 'cancelled' WHERE id = ? AND user_id = ?", order, user)
	return answer{Session: fmt.Sprint(order)}, err
}

// list reads the user's orders. session is the order that the app has written last.
func (r *router) list(ctx context.Context, user int64, session string) (answer, error) {
	orders, err := read(ctx, r.replica, user)
	last, _ := strconv.ParseInt(session, 10, 64)
	if err != nil || last != 0 && !slices.ContainsFunc(orders, func(o order) bool { return o.ID == last }) {
		orders, err = read(ctx, r.source, user)
	}
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
