package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	mrand "math/rand/v2"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"
)

// pages keeps pages in Redis for as long as they may be shown. Who finds nothing
// leaves a lease in the page's place and builds it; whoever finds that waits. Nobody has
// to be unlocked, and who comes too late with a page can't put it there any more.
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
	leaseLife = 8 * time.Second // longer than a page takes, shorter than others may be held up by a dead instance
	poll      = 20 * time.Millisecond
	lease     = "lease:" // what begins so is no page
)

var (
	// claim returns what is there, and else leaves a lease.
	claim = redis.NewScript(`
		local there = redis.call('GET', KEYS[1])
		if not there then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
		return there`)
	// put puts a page in the place of our lease.
	put = redis.NewScript(`
		if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
		return 1`)
)

// get returns a page from Redis, or else has it built.
func (p *pages) get(ctx context.Context, sku string) (page, error) {
	v, err, _ := p.once.Do(sku, func() (any, error) {
		// It is for all who wait here: the first of them may go away.
		return p.fill(context.WithoutCancel(ctx), sku)
	})
	if err != nil {
		return page{}, err
	}
	return v.(page), nil
}

// fill builds a page if it is neither there nor in anybody's hands.
func (p *pages) fill(ctx context.Context, sku string) (page, error) {
	key, ours := "page:"+sku, lease+rand.Text()
	for {
		text, err := claim.Run(ctx, p.rdb, []string{key}, ours, leaseLife.Milliseconds()).Text()
		switch {
		case errors.Is(err, redis.Nil):
			pg, err := build(ctx, p.db, sku)
			if err != nil {
				return page{}, err
			}
			return pg, p.keep(ctx, key, ours, pg)
		case err != nil:
			return page{}, err
		case !strings.HasPrefix(text, lease):
			var pg page
			err := json.Unmarshal([]byte(text), &pg)
			return pg, err
		}
		time.Sleep(poll)
	}
}

// keep has pages that are built together end at different times, none of them too late.
func (p *pages) keep(ctx context.Context, key, ours string, pg page) error {
	text, err := json.Marshal(pg)
	if err != nil {
		return err
	}
	life := p.maxAge/2 + mrand.N(p.maxAge/2)
	return put.Run(ctx, p.rdb, []string{key}, ours, text, life.Milliseconds()).Err()
}
