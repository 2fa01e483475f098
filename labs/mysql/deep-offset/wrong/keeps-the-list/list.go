// fails: jumps-wrong
// Read the list once, answer all pages from memory. It is the list of the moment at
// which the service started.

package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"sync"
)

var (
	once sync.Once
	kept []order
	bad  error
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
	once.Do(func() {
		kept, bad = s.query(ctx, "SELECT id, created, status, cents, items FROM orders ORDER BY created DESC, id DESC")
	})
	list, err := kept[min((n-1)*size, len(kept)):min(n*size, len(kept))], bad
	p := page{Orders: list}
	if len(list) == size {
		p.Next = fmt.Sprintf("/orders?page=%d", n+1)
	}
	return p, err
}
