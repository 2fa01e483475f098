package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"log"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// catalogue is the table of products, with the cache in front of it.
type catalogue struct {
	db    *sql.DB
	nodes *nodes // no request is under way when they change
	table table
}

// keep is how long a product stays in the cache.
const keep = time.Hour

// place is where a product is: a node, and a key that has the slot's generation in it.
// What was put before the slot moved is at another key, and never read again.
func (c *catalogue) place(id int64) (key string, n node) {
	name := strconv.FormatInt(id, 10)
	slot := c.table[crc32.ChecksumIEEE([]byte(name))%slots]
	return fmt.Sprintf("product:%s:%d", name, slot.Generation), c.nodes.named(slot.Node)
}

// open runs before the program listens, with the nodes that there are.
func (c *catalogue) open(ctx context.Context, list []node) error {
	_, err := c.db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS cache_slots (id INT PRIMARY KEY, content MEDIUMTEXT NOT NULL)")
	if err == nil {
		_, err = c.db.ExecContext(ctx, "INSERT IGNORE INTO cache_slots VALUES (1, '[]')")
	}
	if err != nil {
		return err
	}
	return c.change(ctx, list)
}

// change takes another list of nodes: whoever learns of it first moves the slots, and
// the others find it done.
func (c *catalogue) change(ctx context.Context, list []node) error {
	c.nodes = connect(list, c.nodes)
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var content []byte
	if err := tx.QueryRowContext(ctx, "SELECT content FROM cache_slots WHERE id = 1 FOR UPDATE").Scan(&content); err != nil {
		return err
	}
	var t table
	if err := json.Unmarshal(content, &t); err != nil {
		return err
	}
	if t.share(c.nodes) {
		if content, err = json.Marshal(t); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE cache_slots SET content = ? WHERE id = 1", content); err != nil {
			return err
		}
	}
	c.table = t
	return tx.Commit()
}

// get returns a product; sql.ErrNoRows says that there is none.
func (c *catalogue) get(ctx context.Context, id int64) (body string, err error) {
	key, node := c.place(id)
	body, missed := node.Get(ctx, key).Result()
	if missed == nil {
		return body, nil
	}
	if err := c.db.QueryRowContext(ctx, "SELECT body FROM products WHERE id = ?", id).Scan(&body); err != nil {
		return "", err
	}
	if errors.Is(missed, redis.Nil) {
		missed = node.Set(ctx, key, body, keep).Err()
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
	key, node := c.place(id)
	return node.Del(ctx, key).Err()
}
