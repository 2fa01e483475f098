// fails: stale-reads
// Seconds_Behind_Source says 0 during the first second of every delay, and
// before the replica has heard of a transaction at all.
package main

import (
	"context"
	"database/sql"
)

// router writes on the source and reads on the replica, if that says that it is not
// behind.
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
	if r.current(ctx) {
		if orders, err := read(ctx, r.replica, user); err == nil {
			return answer{Orders: orders}, nil
		}
	}
	orders, err := read(ctx, r.source, user)
	return answer{Orders: orders}, err
}

// current asks the replica whether it is behind.
func (r *router) current(ctx context.Context) bool {
	rows, err := r.replica.QueryContext(ctx, "SHOW REPLICA STATUS")
	if err != nil {
		return false
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil || !rows.Next() {
		return false
	}
	values := make([]sql.NullString, len(names))
	into := make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return false
	}
	for i, name := range names {
		if name == "Seconds_Behind_Source" {
			return values[i].String == "0" && rows.Err() == nil
		}
	}
	return false
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
