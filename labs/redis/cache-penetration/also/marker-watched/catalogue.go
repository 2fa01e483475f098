package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"
)

// catalogue is the table of products in MySQL, with Redis in front of it.
type catalogue struct {
	db  *sql.DB
	rdb *redis.Client
}

// open runs when the program starts, before it listens.
func (c *catalogue) open(context.Context) error { return nil }

// How long a product stays in Redis, and how long it is remembered there that
// there is none.
const (
	keep   = 10 * time.Minute
	forget = time.Minute
)

// none stands in Redis for a product that does not exist.
const none = "none"

func key(id int64) string { return "product:" + strconv.FormatInt(id, 10) }

// get returns a product, or errNotFound.
func (c *catalogue) get(ctx context.Context, id int64) (*product, error) {
	cached, err := c.rdb.Get(ctx, key(id)).Bytes()
	switch {
	case err == nil && string(cached) == none:
		return nil, errNotFound
	case err == nil:
		p := &product{}
		return p, json.Unmarshal(cached, p)
	case !errors.Is(err, redis.Nil):
		return nil, err
	}
	return c.fetch(ctx, id)
}

// fetch asks MySQL, and keeps in Redis what that said unless somebody has touched
// the key since before it was asked: even if Redis has lost it again meanwhile.
func (c *catalogue) fetch(ctx context.Context, id int64) (p *product, err error) {
	kept := c.rdb.Watch(ctx, func(tx *redis.Tx) error {
		value, life := []byte(none), forget
		switch p, err = c.read(ctx, id); {
		case err == nil:
			life = keep
			var failed error
			if value, failed = json.Marshal(p); failed != nil {
				return failed
			}
		case !errors.Is(err, errNotFound):
			return err
		}
		_, failed := tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
			return pipe.Set(ctx, key(id), value, life).Err()
		})
		return failed
	}, key(id))
	if err == nil && kept != nil && !errors.Is(kept, redis.TxFailedErr) {
		err = kept
	}
	return p, err
}

// read asks MySQL.
func (c *catalogue) read(ctx context.Context, id int64) (*product, error) {
	p := &product{ID: id}
	err := c.db.QueryRowContext(ctx, "SELECT name, cents FROM products WHERE id = ?", id).Scan(&p.Name, &p.Cents)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNotFound
	}
	return p, err
}

// cache keeps a product in Redis.
func (c *catalogue) cache(ctx context.Context, p *product) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return c.rdb.Set(ctx, key(p.ID), text, keep).Err()
}

// create adds a product, or returns errExists. Redis gets the product itself, in
// place of what says that there is none: what is deleted there leaves room for
// somebody who asked MySQL before.
func (c *catalogue) create(ctx context.Context, p product) error {
	if err := c.insert(ctx, p); err != nil {
		return err
	}
	return c.cache(ctx, &p)
}

// insert writes it into MySQL.
func (c *catalogue) insert(ctx context.Context, p product) error {
	const duplicate = 1062
	_, err := c.db.ExecContext(ctx, "INSERT INTO products (id, name, cents) VALUES (?, ?, ?)", p.ID, p.Name, p.Cents)
	var refused *mysql.MySQLError
	if errors.As(err, &refused) && refused.Number == duplicate {
		return errExists
	}
	return err
}
