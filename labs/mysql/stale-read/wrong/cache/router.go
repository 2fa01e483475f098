// fails: stale-reads
// shows: cancelled by the warehouse
// The position is right, and the list that was read at it is kept: an app sees
// what it has written. What the warehouse writes changes nobody's position.
package main

import (
	"context"
	"database/sql"
	"sync"
	"time"
)

// router writes on the source and reads on the replica, if that has what the
// app has written, and remembers what it has read.
type router struct {
	source, replica *sql.DB
	lists           sync.Map // by user and position
}

// key is that of a list: whoever writes has another position from then on.
type key struct {
	user     int64
	position string
}

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

// position is what the source has executed, with the write that was just
// committed: the app brings it back.
func (r *router) position(ctx context.Context) (gtids string, err error) {
	err = r.source.QueryRowContext(ctx, "SELECT @@GLOBAL.gtid_executed").Scan(&gtids)
	return gtids, err
}

// list reads the user's orders. session is what the app was given last.
func (r *router) list(ctx context.Context, user int64, session string) (answer, error) {
	k := key{user, session}
	if orders, ok := r.lists.Load(k); ok {
		return answer{Orders: orders.([]order)}, nil
	}
	if r.has(ctx, session) {
		if orders, err := read(ctx, r.replica, user); err == nil {
			r.lists.Store(k, orders)
			return answer{Orders: orders}, nil
		}
	}
	orders, err := read(ctx, r.source, user)
	return answer{Orders: orders}, err
}

// has waits a little until the replica has executed what the app has seen. No
// means that it has not, or that nobody knows.
func (r *router) has(ctx context.Context, gtids string) bool {
	if gtids == "" {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var late int
	err := r.replica.QueryRowContext(ctx, "SELECT WAIT_FOR_EXECUTED_GTID_SET(?, 0.1)", gtids).Scan(&late)
	return err == nil && late == 0
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
