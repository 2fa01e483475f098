// fails: false-negatives
// shows: while Redis refused
//
// Who gets no answer says no.

package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log"
	"strconv"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"
)

// catalogue is the table of products in MySQL, with Redis in front of it.
type catalogue struct {
	db  *sql.DB
	rdb *redis.Client

	filling sync.Mutex
	filled  bool // by this instance
}

// open runs when the program starts, before it listens: products may have come
// into the table without us.
func (c *catalogue) open(ctx context.Context) error { return c.fill(ctx) }

// keep is how long a product stays in Redis.
const keep = 10 * time.Minute

func key(id int64) string { return "product:" + strconv.FormatInt(id, 10) }

// get returns a product, or errNotFound.
func (c *catalogue) get(ctx context.Context, id int64) (*product, error) {
	cached, err := c.rdb.Get(ctx, key(id)).Bytes()
	switch {
	case err == nil:
		p := &product{}
		return p, json.Unmarshal(cached, p)
	case !errors.Is(err, redis.Nil):
		log.Print(err) // MySQL knows it, too
	}
	if may, err := c.mayBe(ctx, id); err != nil {
		return nil, err
	} else if !may {
		return nil, errNotFound
	}
	p, err := c.read(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := c.cache(ctx, p); err != nil {
		log.Print(err)
	}
	return p, nil
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

// create adds a product, or returns errExists. The filter comes first: an id too
// many there does no harm, and one that is missing is a product that nobody finds.
func (c *catalogue) create(ctx context.Context, p product) error {
	if err := c.add(ctx, p.ID); err != nil {
		return err
	}
	return c.insert(ctx, p)
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
