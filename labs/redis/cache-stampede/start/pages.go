package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// pages keeps pages in Redis for as long as they may be shown.
type pages struct {
	db     *sql.DB
	rdb    *redis.Client
	maxAge time.Duration
}

func newPages(db *sql.DB, rdb *redis.Client, maxAge time.Duration) *pages {
	return &pages{db: db, rdb: rdb, maxAge: maxAge}
}

// get returns a page from Redis, or else builds it and keeps it there.
func (p *pages) get(ctx context.Context, sku string) (page, error) {
	text, err := p.rdb.Get(ctx, "page:"+sku).Bytes()
	if err == nil {
		var pg page
		err := json.Unmarshal(text, &pg)
		return pg, err
	}
	if !errors.Is(err, redis.Nil) {
		return page{}, err
	}
	pg, err := build(ctx, p.db, sku)
	if err != nil {
		return page{}, err
	}
	text, err = json.Marshal(pg)
	if err != nil {
		return page{}, err
	}
	return pg, p.rdb.Set(ctx, "page:"+sku, text, p.maxAge).Err()
}
