// fails: next-rows, jump-pages
// "Sort_merge_passes is high, so the sort buffer is too small." Sorted in memory or
// not, it is the whole table that is read and sorted to show ten orders.

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
		"SELECT /*+ SET_VAR(sort_buffer_size = 268435456) */ id, created, status, cents, items FROM orders ORDER BY created DESC, id DESC LIMIT ? OFFSET ?",
		size, (n-1)*size)
	p := page{Orders: list}
	if len(list) == size {
		p.Next = fmt.Sprintf("/orders?page=%d", n+1)
	}
	return p, err
}
