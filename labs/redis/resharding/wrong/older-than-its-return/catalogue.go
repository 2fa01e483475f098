// fails: stale-answers
// An entry says when it was written, and an instance knows since when a node is listed:
// what is older is not read. One that has started since knows of no return.

package main

import (
	"context"
	"database/sql"
	"errors"
	"log"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// catalogue is the table of products, with the cache in front of it.
type catalogue struct {
	db    *sql.DB
	nodes *nodes               // no request is under way when they change
	came  map[string]time.Time // when nodes were listed, if they were not before
}

// keep is how long a product stays in the cache.
const keep = time.Hour

func key(id int64) string { return "product:" + strconv.FormatInt(id, 10) }

// open runs before the program listens, with the nodes that there are.
func (c *catalogue) open(_ context.Context, list []node) error {
	c.nodes, c.came = connect(list, nil), map[string]time.Time{}
	return nil
}

// change takes another list of nodes. One that was not in the last list has missed
// what was put meanwhile: what it has from before is not read.
func (c *catalogue) change(_ context.Context, list []node) error {
	last := c.nodes
	c.nodes = connect(list, last)
	for _, n := range c.nodes.list {
		if !last.has(n.name) {
			c.came[n.name] = time.Now()
		}
	}
	return nil
}

// get returns a product; sql.ErrNoRows says that there is none.
func (c *catalogue) get(ctx context.Context, id int64) (body string, err error) {
	node := c.nodes.of(key(id))
	entry, missed := node.Get(ctx, key(id)).Result()
	if missed == nil {
		written, body, _ := strings.Cut(entry, " ")
		if at, _ := strconv.ParseInt(written, 10, 64); at > c.came[node.name].UnixNano() {
			return body, nil
		}
		missed = redis.Nil
	}
	if err := c.db.QueryRowContext(ctx, "SELECT body FROM products WHERE id = ?", id).Scan(&body); err != nil {
		return "", err
	}
	if errors.Is(missed, redis.Nil) {
		missed = node.Set(ctx, key(id), strconv.FormatInt(time.Now().UnixNano(), 10)+" "+body, keep).Err()
	}
	if missed != nil { // a dead node costs a look into MySQL, no more
		log.Printf("cache: %v", missed)
	}
	return body, nil
}

// put changes a product. Whoever reads it next gets it from MySQL. A node that had
// it before the last change of the list may have it still, and again.
func (c *catalogue) put(ctx context.Context, id int64, body string) error {
	if _, err := c.db.ExecContext(ctx, "UPDATE products SET body = ? WHERE id = ?", body, id); err != nil {
		return err
	}
	var errs []error
	for _, n := range c.nodes.list {
		errs = append(errs, n.Del(ctx, key(id)).Err())
	}
	return errors.Join(errs...)
}
