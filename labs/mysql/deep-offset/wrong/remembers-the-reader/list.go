// fails: pages-wrong
// The service remembers where each reader is, and the link has a number for it. The
// next request goes to the other instance, which has never heard of it.

package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// list answers GET /orders, GET /orders?page=17, and the links that it makes itself.
func (s *orders) list(ctx context.Context, q url.Values) (page, error) {
	switch {
	case q.Has("reader"):
		mu.Lock()
		last, ok := readers[q.Get("reader")]
		mu.Unlock()
		if !ok {
			return page{}, fmt.Errorf("reader %s is unknown", q.Get("reader"))
		}
		return s.after(ctx, last.Created.Format(time.DateTime), fmt.Sprint(last.ID))
	case q.Has("page"):
		n, err := strconv.Atoi(q.Get("page"))
		if err != nil {
			return page{}, err
		}
		return s.number(ctx, n)
	}
	return s.number(ctx, 1)
}

var (
	mu      sync.Mutex
	readers = map[string]order{}
)

// number is a page by its number. The orders before it are counted in the index,
// where nothing but their time and id is; only those on the page are read.
func (s *orders) number(ctx context.Context, n int) (page, error) {
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
		mu.Lock()
		defer mu.Unlock()
		reader := fmt.Sprint(len(readers))
		readers[reader] = last
		p.Next = "/orders?reader=" + reader
	}
	return p, err
}
