package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
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

// number is a page by its number, in two steps: which orders are on it, and
// what is in them. The first asks for nothing that is not in the index. An order
// that goes in between is missing on the page, and no other moves up.
func (s *orders) number(ctx context.Context, n int) (page, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id FROM orders ORDER BY created DESC, id DESC LIMIT ? OFFSET ?", size, (n-1)*size)
	if err != nil {
		return page{}, err
	}
	defer rows.Close()
	ids := []any{}
	for rows.Next() {
		var id uint64
		if err := rows.Scan(&id); err != nil {
			return page{}, err
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil || len(ids) == 0 {
		return page{Orders: []order{}}, err
	}
	list, err := s.query(ctx, "SELECT id, created, status, cents, items FROM orders WHERE id IN (?"+strings.Repeat(", ?", len(ids)-1)+")", ids...)
	slices.SortFunc(list, newer)
	return follow(list, err)
}

// after is the page behind an order: two ranges of the index, each of which
// the server reads from its end, and no more of it than a page.
func (s *orders) after(ctx context.Context, created, id string) (page, error) {
	list, err := s.query(ctx, `
		(SELECT id, created, status, cents, items FROM orders WHERE created = ? AND id < ? ORDER BY id DESC LIMIT ?)
		UNION ALL
		(SELECT id, created, status, cents, items FROM orders WHERE created < ? ORDER BY created DESC, id DESC LIMIT ?)`,
		created, id, size, created, size)
	slices.SortFunc(list, newer)
	return follow(list[:min(size, len(list))], err)
}

// newer is the order of the list.
func newer(a, b order) int {
	if c := b.Created.Compare(a.Created); c != 0 {
		return c
	}
	if a.ID > b.ID {
		return -1
	}
	return 1
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
