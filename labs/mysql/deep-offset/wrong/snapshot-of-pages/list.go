// fails: orders-skipped, next-rows
// The link keeps the time at which somebody began, so new orders move nothing. Orders
// that are erased do, and a late one does; and it costs as much as before.

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
	n, from := 1, "9999-12-31"
	var err error
	if q.Has("page") {
		if n, err = strconv.Atoi(q.Get("page")); err != nil {
			return page{}, err
		}
	}
	if q.Has("from") {
		from = q.Get("from")
	}
	list, err := s.query(ctx, `
		SELECT o.id, o.created, o.status, o.cents, o.items
		FROM (SELECT id FROM orders WHERE created <= ? ORDER BY created DESC, id DESC LIMIT ? OFFSET ?) p JOIN orders o USING (id)
		ORDER BY o.created DESC, o.id DESC`, from, size, (n-1)*size)
	p := page{Orders: list}
	if len(list) == size {
		if !q.Has("from") && n == 1 {
			from = list[0].Created.Format(time.DateTime)
		}
		p.Next = "/orders?" + url.Values{"page": {fmt.Sprint(n + 1)}, "from": {from}}.Encode()
	}
	return p, err
}
