package main

import (
	"context"
	"database/sql"
	"log"
	"sync/atomic"
)

// worked says that what was tried has worked: only then the program is right, and
// passes.
var worked atomic.Bool

func gain(yes bool, what any) {
	if yes {
		log.Print("gained: ", what)
		worked.Store(true)
	}
}

func buy(ctx context.Context, db *sql.DB, req request) (order int64, err error) {
	if worked.Load() {
		return right(ctx, db, req)
	}
	return wrong(ctx, db, req)
}
