// fails: orders-repeated, next-rows
// The first thing that one finds: count in the index, read ten rows. Each page is
// five times as quick, and still page 20,000 counts 200,000 entries. And when
// orders come or go, the pages after that are cut elsewhere.

package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
)

// list answers GET /orders, and GET /orders?page=17: the whole list, newest first.
func (s *orders) list(ctx context.Context, q url.Values) (page, error) {
	n := 1
	if number := q.Get("page"); number != "" {
		var err error
		if n, err = strconv.Atoi(number); err != nil {
			return page{}, err
		}
	}
	list, err := s.query(ctx,
		`SELECT o.id, o.created, o.status, o.cents, o.items
		FROM (SELECT id FROM orders ORDER BY created DESC, id DESC LIMIT ? OFFSET ?) p JOIN orders o USING (id)
		ORDER BY o.created DESC, o.id DESC`, size, (n-1)*size)
	p := page{Orders: list}
	if len(list) == size {
		p.Next = fmt.Sprintf("/orders?page=%d", n+1)
	}
	return p, err
}
