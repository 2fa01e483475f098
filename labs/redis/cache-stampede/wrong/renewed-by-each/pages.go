// fails: rebuilds
// Whoever sees that a page is due builds it.
package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"log"
	mrand "math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"
)

// pages keeps pages in Redis for as long as they may be shown. Some time before
// the end of one, it is built anew, and meanwhile
// all are shown what is there. Only a page that is missing is waited for.
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

// entry is what is in Redis.
type entry struct {
	Page page
	Due  time.Time // to be built anew
}

// get returns a page from Redis, or else has it built.
func (p *pages) get(ctx context.Context, sku string) (page, error) {
	e, err := p.cached(ctx, sku)
	if err == nil && time.Now().After(e.Due) {
		go p.renew(context.WithoutCancel(ctx), sku)
	}
	if !errors.Is(err, redis.Nil) {
		return e.Page, err
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

// renew builds a page before its end.
func (p *pages) renew(ctx context.Context, sku string) {
	pg, err := build(ctx, p.db, sku)
	if err == nil {
		err = p.keep(ctx, pg)
	}
	if err != nil {
		log.Print(err) // the next reader tries
	}
}

// fill builds a page if no other instance does, and else waits until it is there
// or the other's lock is not there any more.
func (p *pages) fill(ctx context.Context, sku string) (page, error) {
	lock, token := "lock:"+sku, rand.Text()
	for {
		ours, err := p.rdb.SetNX(ctx, lock, token, lockLife).Result()
		if err != nil {
			return page{}, err
		}
		if ours {
			defer unlock.Run(ctx, p.rdb, []string{lock}, token)
			// Another may have built it between our look and our lock.
			e, err := p.cached(ctx, sku)
			if !errors.Is(err, redis.Nil) {
				return e.Page, err
			}
			pg, err := build(ctx, p.db, sku)
			if err != nil {
				return page{}, err
			}
			return pg, p.keep(ctx, pg)
		}
		time.Sleep(poll)
		e, err := p.cached(ctx, sku)
		if !errors.Is(err, redis.Nil) {
			return e.Page, err
		}
	}
}

// cached returns what is in Redis, or redis.Nil.
func (p *pages) cached(ctx context.Context, sku string) (entry, error) {
	text, err := p.rdb.Get(ctx, "page:"+sku).Bytes()
	if err != nil {
		return entry{}, err
	}
	var e entry
	err = json.Unmarshal(text, &e)
	return e, err
}

// keep has pages that are built together end at different times, none of them too late.
func (p *pages) keep(ctx context.Context, pg page) error {
	life := p.maxAge/2 + mrand.N(p.maxAge/2)
	text, err := json.Marshal(entry{pg, time.Now().Add(life / 2)})
	if err != nil {
		return err
	}
	return p.rdb.Set(ctx, "page:"+pg.SKU, text, life).Err()
}
