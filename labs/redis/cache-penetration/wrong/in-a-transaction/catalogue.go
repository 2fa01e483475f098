// fails: wrong-answers
// shows: there is no product
//
// Both or neither, says the transaction, and Redis is not in it.

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
	p, err := c.read(ctx, id)
	if errors.Is(err, errNotFound) {
		// Only if nothing is there: since MySQL was asked, the product may have been
		// created, and then Redis has it.
		if err := c.rdb.SetNX(ctx, key(id), none, forget).Err(); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	return p, c.cache(ctx, p)
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

// create adds a product, or returns errExists.
func (c *catalogue) create(ctx context.Context, p product) error {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := c.insert(ctx, tx, p); err != nil {
		return err
	}
	if err := c.cache(ctx, &p); err != nil {
		return err
	}
	return tx.Commit()
}

// insert writes it into MySQL.
func (c *catalogue) insert(ctx context.Context, tx *sql.Tx, p product) error {
	const duplicate = 1062
	_, err := tx.ExecContext(ctx, "INSERT INTO products (id, name, cents) VALUES (?, ?, ?)", p.ID, p.Name, p.Cents)
	var refused *mysql.MySQLError
	if errors.As(err, &refused) && refused.Number == duplicate {
		return errExists
	}
	return err
}
