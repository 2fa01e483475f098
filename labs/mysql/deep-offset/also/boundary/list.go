package main

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// list answers GET /orders, GET /orders?page=17, and the links that it makes itself.
func (s *orders) list(ctx context.Context, q url.Values) (page, error) {
	switch {
	case q.Has("after"):
		b, err := decode(q.Get("after"))
		if err != nil {
			return page{}, err
		}
		return s.after(ctx, b)
	case q.Has("page"):
		n, err := strconv.Atoi(q.Get("page"))
		if err != nil {
			return page{}, err
		}
		b, err := s.before(ctx, n)
		if errors.Is(err, sql.ErrNoRows) { // the list is shorter
			return page{Orders: []order{}}, nil
		}
		if err != nil {
			return page{}, err
		}
		return s.after(ctx, b)
	}
	return s.after(ctx, top)
}

// boundary is an order that a page begins behind.
type boundary struct {
	created time.Time
	id      uint64
}

// top is before all orders.
var top = boundary{created: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)}

// encode makes a boundary what a client can't be tempted to look into.
func (b boundary) encode() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d", b.created.Unix(), b.id))
}

func decode(text string) (b boundary, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return b, err
	}
	var unix int64
	if _, err := fmt.Sscanf(string(raw), "%d.%d", &unix, &b.id); err != nil {
		return b, err
	}
	b.created = time.Unix(unix, 0).UTC()
	return b, nil
}

// before finds where a page of that number begins: the one order before it. The
// index has both of what is asked, so the orders before that are only counted.
func (s *orders) before(ctx context.Context, n int) (b boundary, err error) {
	if n <= 1 {
		return top, nil
	}
	err = s.db.QueryRowContext(ctx,
		"SELECT created, id FROM orders ORDER BY created DESC, id DESC LIMIT 1 OFFSET ?", (n-1)*size-1).Scan(&b.created, &b.id)
	return b, err
}

// after is the page behind a boundary. The server goes to the moment in the
// index and passes over the few orders of it that were shown.
func (s *orders) after(ctx context.Context, b boundary) (page, error) {
	list, err := s.query(ctx, `
		SELECT id, created, status, cents, items FROM orders
		WHERE created <= ? AND (created, id) < (?, ?)
		ORDER BY created DESC, id DESC LIMIT ?`, b.created, b.created, b.id, size)
	p := page{Orders: list}
	if len(list) == size {
		p.Next = "/orders?after=" + boundary{list[size-1].Created, list[size-1].ID}.encode()
	}
	return p, err
}
