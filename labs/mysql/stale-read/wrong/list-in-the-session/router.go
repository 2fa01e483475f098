// fails: stale-reads, replica-share
// shows: cancelled by the warehouse
// A cache in the app's pocket: after the first write nobody asks a server any
// more, and what others change, support or the warehouse, is never shown.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
)

// router writes on the source, and lets the app carry what is there then.
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
	session, err := r.keep(ctx, user)
	return answer{Session: session, Order: id}, err
}

// cancel cancels an order of the user's.
func (r *router) cancel(ctx context.Context, user, order int64) (answer, error) {
	_, err := r.source.ExecContext(ctx, "UPDATE orders SET status = 'cancelled' WHERE id = ? AND user_id = ?", order, user)
	if err != nil {
		return answer{}, err
	}
	session, err := r.keep(ctx, user)
	return answer{Session: session}, err
}

// keep reads what the app will be shown until it writes again.
func (r *router) keep(ctx context.Context, user int64) (string, error) {
	orders, err := read(ctx, r.source, user)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(orders)
	return string(text), err
}

// list shows what the app brings, or else what is on the replica.
func (r *router) list(ctx context.Context, user int64, session string) (answer, error) {
	var orders []order
	if json.Unmarshal([]byte(session), &orders) == nil {
		return answer{Orders: orders}, nil
	}
	orders, err := read(ctx, r.replica, user)
	if err != nil {
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
