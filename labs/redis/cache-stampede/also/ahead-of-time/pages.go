package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"log"
	mrand "math/rand/v2"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"
)

// pages keeps pages in Redis for as long as they may be shown. Pages that are
// read are built anew before their end, by a timer; one that is missing, since
// nobody has read it for long, is built by one reader, and the others wait for it.
type pages struct {
	db     *sql.DB
	rdb    *redis.Client
	maxAge time.Duration
	once   singleflight.Group // by SKU: one of this instance goes on
	read   sync.Map           // SKUs that were asked for since the timer looked
}

func newPages(db *sql.DB, rdb *redis.Client, maxAge time.Duration) *pages {
	p := &pages{db: db, rdb: rdb, maxAge: maxAge}
	go p.lookAhead(context.Background())
	return p
}

const (
	lockLife = 8 * time.Second // longer than a page takes, shorter than others may be held up by a dead instance
	poll     = 20 * time.Millisecond
)

// unlock takes the lock away if it is still ours: it may have run out, and be another's.
var unlock = redis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)

// get returns a page from Redis, or else has it built.
func (p *pages) get(ctx context.Context, sku string) (page, error) {
	p.read.Store(sku, true)
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

// lookAhead looks, ten times while a page may be shown, at those that were read meanwhile.
func (p *pages) lookAhead(ctx context.Context) {
	for range time.Tick(p.maxAge / 10) {
		p.read.Range(func(sku, _ any) bool {
			p.read.Delete(sku)
			if err := p.renew(ctx, sku.(string)); err != nil {
				log.Print(err)
			}
			return true
		})
	}
}

// soon says whether a page ends before the timer has looked twice more.
func (p *pages) soon(ctx context.Context, sku string) bool {
	left := p.rdb.PTTL(ctx, "page:"+sku).Val()
	return left > 0 && left < p.maxAge/4
}

// renew builds a page that ends soon, if nobody else does.
func (p *pages) renew(ctx context.Context, sku string) error {
	if !p.soon(ctx, sku) {
		return nil
	}
	lock, token := "lock:"+sku, rand.Text()
	ours, err := p.rdb.SetNX(ctx, lock, token, lockLife).Result()
	if err != nil || !ours {
		return err
	}
	defer unlock.Run(ctx, p.rdb, []string{lock}, token)
	if !p.soon(ctx, sku) {
		return nil
	}
	pg, err := build(ctx, p.db, sku)
	if err != nil {
		return err
	}
	return p.keep(ctx, pg)
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
