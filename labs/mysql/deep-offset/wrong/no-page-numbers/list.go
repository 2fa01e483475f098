// fails: jumps-wrong
// "Page numbers don't scale." Right; and support has a page number in every mail
// from a partner.

package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// list answers GET /orders and the links that it makes itself.
func (s *orders) list(ctx context.Context, q url.Values) (page, error) {
	switch {
	case q.Has("after"):
		return s.after(ctx, q.Get("after"), q.Get("id"))
	case q.Has("page"):
		return page{}, errors.New("pages have no numbers any more: follow the links")
	}
	return s.after(ctx, "9999-12-31", "0")
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
