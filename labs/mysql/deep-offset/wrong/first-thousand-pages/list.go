// fails: jumps-wrong
// What big search engines do: nobody needs page 1,001. Those who do are the ones
// who complained.

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

// number is a page by its number. The orders before it are counted in the index,
// where nothing but their time and id is; only those on the page are read.
func (s *orders) number(ctx context.Context, n int) (page, error) {
	n = min(n, 1000)
	return follow(s.query(ctx, `
		SELECT o.id, o.created, o.status, o.cents, o.items
		FROM (SELECT id FROM orders ORDER BY created DESC, id DESC LIMIT ? OFFSET ?) p JOIN orders o USING (id)
		ORDER BY o.created DESC, o.id DESC`, size, (n-1)*size))
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
