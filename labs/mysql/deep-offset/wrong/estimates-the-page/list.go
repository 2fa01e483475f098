// fails: jumps-wrong
// shows: belongs
// Orders come at an even pace, so the place of a page can be computed from the first
// and the last time. It is near, and support reads out somebody else's order.
package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// list answers GET /orders, GET /orders?page=17, and the links that it makes itself.
func (s *orders) list(ctx context.Context, q url.Values) (page, error) {
	switch {
	case q.Has("after"):
		return s.after(ctx, q.Get("after"), q.Get("id"))
	case q.Has("page"):
		n, err := strconv.Atoi(q.Get("page"))
		if err != nil {
			return page{}, err
		}
		return s.number(ctx, n)
	}
	return s.number(ctx, 1)
}

// number is about that page: where it would be if orders came at an even pace.
func (s *orders) number(ctx context.Context, n int) (page, error) {
	var all int
	var first, last time.Time
	err := s.db.QueryRowContext(ctx, "SELECT COUNT(*), MIN(created), MAX(created) FROM orders").Scan(&all, &first, &last)
	if err != nil {
		return page{}, err
	}
	if (n-1)*size >= all {
		return page{Orders: []order{}}, nil
	}
	about := last.Add(-last.Sub(first) / time.Duration(all) * time.Duration((n-1)*size))
	return follow(s.query(ctx, `
		SELECT id, created, status, cents, items FROM orders
		WHERE created <= ? ORDER BY created DESC, id DESC LIMIT ?`, about, size))
}

// after is the page behind an order: those of its moment with a lower id, and all
// that are older.
func (s *orders) after(ctx context.Context, created, id string) (page, error) {
	return follow(s.query(ctx, `
		SELECT id, created, status, cents, items FROM orders
		WHERE created < ? OR created = ? AND id < ?
		ORDER BY created DESC, id DESC LIMIT ?`, created, created, id, size))
}

// follow makes a page whose link says where it ends: which order was last, and
// not how many came before it. That stays true whatever comes and goes.
func follow(list []order, err error) (page, error) {
	p := page{Orders: list}
	if len(list) == size {
		last := list[size-1]
		p.Next = "/orders?" + url.Values{
			"after": {last.Created.Format(time.DateTime)},
			"id":    {fmt.Sprint(last.ID)},
		}.Encode()
	}
	return p, err
}
