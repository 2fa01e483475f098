// fails: keys-moved
// shows: nodes got
// Keeps the modulo and carries the keys from node to node, so that MySQL hears
// nothing of it: four fifths of the cache goes through the network for one node.

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
}

// keep is how long a product stays in the cache.
const keep = time.Hour

func key(id int64) string { return "product:" + strconv.FormatInt(id, 10) }

// open runs before the program listens, with the nodes that there are.
func (c *catalogue) open(_ context.Context, list []node) error {
	c.nodes = connect(list, nil)
	return nil
}

// change takes another list of nodes, and carries each key to where it belongs now.
// A node that was not in the last list has missed what was put: it begins empty.
func (c *catalogue) change(ctx context.Context, list []node) error {
	last := c.nodes
	c.nodes = connect(list, nil)
	defer last.close()
	for _, n := range c.nodes.list {
		if !last.has(n.name) {
			if err := n.FlushDB(ctx).Err(); err != nil {
				return err
			}
		}
	}
	for _, n := range last.list {
		keys, err := n.Keys(ctx, "product:*").Result()
		if err != nil {
			continue // it has died
		}
		for _, k := range keys {
			to := c.nodes.of(k)
			if to.name == n.name {
				continue
			}
			body, err := n.GetDel(ctx, k).Result()
			if err == nil {
				err = to.Set(ctx, k, body, keep).Err()
			}
			if err != nil {
				return err
			}
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

// put changes a product. Whoever reads it next gets it from MySQL.
func (c *catalogue) put(ctx context.Context, id int64, body string) error {
	if _, err := c.db.ExecContext(ctx, "UPDATE products SET body = ? WHERE id = ?", body, id); err != nil {
		return err
	}
	return c.nodes.of(key(id)).Del(ctx, key(id)).Err()
}
