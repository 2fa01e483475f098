// fails: rebuilds
// One reader of each program builds. There are two programs, and in the shop forty.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	mrand "math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"
)

// pages keeps pages in Redis.
type pages struct {
	db     *sql.DB
	rdb    *redis.Client
	maxAge time.Duration
	once   singleflight.Group // by SKU: one of this instance goes on
}

func newPages(db *sql.DB, rdb *redis.Client, maxAge time.Duration) *pages {
	return &pages{db: db, rdb: rdb, maxAge: maxAge}
}

// get returns a page from Redis, or else has it built.
func (p *pages) get(ctx context.Context, sku string) (page, error) {
	pg, err := p.cached(ctx, sku)
	if !errors.Is(err, redis.Nil) {
		return pg, err
	}
	v, err, _ := p.once.Do(sku, func() (any, error) {
		// It is for all who wait here: the first of them may go away.
		return p.fill(context.WithoutCancel(ctx), sku)
	})
	if err != nil {
		return page{}, err
	}
	return v.(page), nil
}

// fill builds a page if nobody has in the meantime.
func (p *pages) fill(ctx context.Context, sku string) (page, error) {
	pg, err := p.cached(ctx, sku)
	if !errors.Is(err, redis.Nil) {
		return pg, err
	}
	if pg, err = build(ctx, p.db, sku); err != nil {
		return page{}, err
	}
	return pg, p.keep(ctx, pg)
}

// cached returns a page from Redis, or redis.Nil.
func (p *pages) cached(ctx context.Context, sku string) (page, error) {
	text, err := p.rdb.Get(ctx, "page:"+sku).Bytes()
	if err != nil {
		return page{}, err
	}
	var pg page
	err = json.Unmarshal(text, &pg)
	return pg, err
}

// keep has pages that are built together end at different times, none of them too late.
func (p *pages) keep(ctx context.Context, pg page) error {
	text, err := json.Marshal(pg)
	if err != nil {
		return err
	}
	life := p.maxAge/2 + mrand.N(p.maxAge/2)
	return p.rdb.Set(ctx, "page:"+pg.SKU, text, life).Err()
}
