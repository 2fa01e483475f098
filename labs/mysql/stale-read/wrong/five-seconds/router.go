// fails: replica-share
// The notes' marker: who has written is sent to the source for five seconds. Who
// has just ordered looks at the order now; these are most of the reads. And a
// replica that is six seconds behind is stale again.
package main

import (
	"context"
	"database/sql"
	"strconv"
	"time"
)

// router writes on the source and reads on the replica, but for five seconds after
// an app has written.
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
	session, err := r.position(ctx)
	return answer{Session: session, Order: id}, err
}

// cancel cancels an order of the user's.
func (r *router) cancel(ctx context.Context, user, order int64) (answer, error) {
	_, err := r.source.ExecContext(ctx, "UPDATE orders SET status = 'cancelled' WHERE id = ? AND user_id = ?", order, user)
	if err != nil {
		return answer{}, err
	}
	session, err := r.position(ctx)
	return answer{Session: session}, err
}

// position is when the app has written.
func (r *router) position(context.Context) (string, error) {
	return strconv.FormatInt(time.Now().UnixMilli(), 10), nil
}

// list reads the user's orders. session is what the app was given last.
func (r *router) list(ctx context.Context, user int64, session string) (answer, error) {
	if r.has(ctx, session) {
		if orders, err := read(ctx, r.replica, user); err == nil {
			return answer{Orders: orders}, nil
		}
	}
	orders, err := read(ctx, r.source, user)
	return answer{Orders: orders}, err
}

// has believes that five seconds are enough.
func (r *router) has(_ context.Context, session string) bool {
	at, err := strconv.ParseInt(session, 10, 64)
	return err != nil || time.Since(time.UnixMilli(at)) > 5*time.Second
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
