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
		"SELECT id, created, status, cents, items FROM orders ORDER BY created DESC, id DESC LIMIT ? OFFSET ?",
		size, (n-1)*size)
	p := page{Orders: list}
	if len(list) == size {
		p.Next = fmt.Sprintf("/orders?page=%d", n+1)
	}
	return p, err
}
