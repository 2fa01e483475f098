// fails: stale-answers
// A put deletes the key where it is, and where it was before the last change. That is
// enough for as long as the instance runs: one that has started since knows of no change.

package main

import (
	"context"
	"database/sql"
	"errors"
	"log"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// catalogue is the table of products, with the cache in front of it.
type catalogue struct {
	db    *sql.DB
	nodes *nodes // no request is under way when they change
	last  *nodes // before that
}

// keep is how long a product stays in the cache.
const keep = time.Hour

func key(id int64) string { return "product:" + strconv.FormatInt(id, 10) }

// open runs before the program listens, with the nodes that there are.
func (c *catalogue) open(_ context.Context, list []node) error {
	c.nodes = connect(list, nil)
	return nil
}

// change takes another list of nodes. One that was not in the last list has missed
// what was put meanwhile: it begins empty.
func (c *catalogue) change(ctx context.Context, list []node) error {
	c.last = c.nodes
	c.nodes = connect(list, c.last)
	for _, n := range c.nodes.list {
		if c.last.has(n.name) {
			continue
		}
		if err := n.FlushDB(ctx).Err(); err != nil {
			return err
		}
	}
	return nil
}

// get returns a product; sql.ErrNoRows says that there is none.
func (c *catalogue) get(ctx context.Context, id int64) (body string, err error) {
	node := c.nodes.of(key(id))
	body, missed := node.Get(ctx, key(id)).Result()
	if missed == nil {
		return body, nil
	}
	if err := c.db.QueryRowContext(ctx, "SELECT body FROM products WHERE id = ?", id).Scan(&body); err != nil {
		return "", err
	}
	if errors.Is(missed, redis.Nil) {
		missed = node.Set(ctx, key(id), body, keep).Err()
	}
	if missed != nil { // a dead node costs a look into MySQL, no more
		log.Printf("cache: %v", missed)
	}
	return body, nil
}

// put changes a product. Whoever reads it next gets it from MySQL. The node that had
// it before the last change of the list may have it still, and again.
func (c *catalogue) put(ctx context.Context, id int64, body string) error {
	if _, err := c.db.ExecContext(ctx, "UPDATE products SET body = ? WHERE id = ?", body, id); err != nil {
		return err
	}
	var errs []error
	at := c.nodes.of(key(id)).name
	was := at
	if c.last != nil {
		was = c.last.of(key(id)).name
	}
	for _, n := range c.nodes.list {
		if n.name == at || n.name == was {
			errs = append(errs, n.Del(ctx, key(id)).Err())
		}
	}
	return errors.Join(errs...)
}
