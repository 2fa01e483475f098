package main

import (
	"context"
	"database/sql"
	"errors"
	"log"
	"maps"
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
func (c *catalogue) open(_ context.Context, list map[string]string) error {
	c.nodes = connect(list)
	return nil
}

// change takes another list of nodes. One that was not in the last list has missed
// what was put meanwhile: it begins empty.
func (c *catalogue) change(ctx context.Context, list map[string]string) error {
	fresh := map[string]bool{}
	for name, addr := range list {
		if _, known := c.nodes.addrs[name]; !known {
			fresh[addr] = true
		}
	}
	c.nodes.addrs = list
	c.nodes.SetAddrs(maps.Clone(list))
	return c.nodes.ForEachShard(ctx, func(ctx context.Context, node *redis.Client) error {
		if !fresh[node.Options().Addr] {
			return nil
		}
		return node.FlushDB(ctx).Err()
	})
}

// get returns a product; sql.ErrNoRows says that there is none.
func (c *catalogue) get(ctx context.Context, id int64) (body string, err error) {
	body, missed := c.nodes.Get(ctx, key(id)).Result()
	if missed == nil {
		return body, nil
	}
	if err := c.db.QueryRowContext(ctx, "SELECT body FROM products WHERE id = ?", id).Scan(&body); err != nil {
		return "", err
	}
	if errors.Is(missed, redis.Nil) {
		missed = c.nodes.Set(ctx, key(id), body, keep).Err()
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
	return c.nodes.ForEachShard(ctx, func(ctx context.Context, node *redis.Client) error {
		return node.Del(ctx, key(id)).Err()
	})
}
