// fails: rebuilds
// Who has waited for a second goes and builds it himself.
package main

import (
	"context"
	"crypto/rand"
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

const (
	lockLife = 8 * time.Second // longer than a page takes, shorter than others may be held up by a dead instance
	poll     = 20 * time.Millisecond
)

// unlock takes the lock away if it is still ours: it may have run out, and be another's.
var unlock = redis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)

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

// fill builds a page if no other instance does, and else waits until it is there
// or the other's lock is not there any more.
func (p *pages) fill(ctx context.Context, sku string) (page, error) {
	lock, token := "lock:"+sku, rand.Text()
	for range 50 {
		ours, err := p.rdb.SetNX(ctx, lock, token, lockLife).Result()
		if err != nil {
			return page{}, err
		}
		if ours {
			defer unlock.Run(ctx, p.rdb, []string{lock}, token)
			// Another may have built it between our look and our lock.
			pg, err := p.cached(ctx, sku)
			if !errors.Is(err, redis.Nil) {
				return pg, err
			}
			if pg, err = build(ctx, p.db, sku); err != nil {
				return page{}, err
			}
			return pg, p.keep(ctx, pg)
		}
		time.Sleep(poll)
		pg, err := p.cached(ctx, sku)
		if !errors.Is(err, redis.Nil) {
			return pg, err
		}
	}
	pg, err := build(ctx, p.db, sku)
	if err != nil {
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
