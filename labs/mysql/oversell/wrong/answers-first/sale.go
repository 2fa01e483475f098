// fails: wrong-answers, oversold
// Buyers don't wait for the row: they are told "sold" at once, and the tables
// follow. A till that dies takes with it what it has promised.
package main

import (
	"context"
	"database/sql"
	"errors"
	"log"
	"math/rand/v2"
	"sync"
)

// buy sells what is asked for and returns the order's number, or errSoldOut. The
// tables follow.
func buy(ctx context.Context, db *sql.DB, req request) (order int64, err error) {
	mu.Lock()
	defer mu.Unlock()
	if order, ok := sold[req.ID]; ok {
		return order, nil
	}
	err = db.QueryRowContext(ctx, "SELECT id FROM orders WHERE request_id = ?", req.ID).Scan(&order)
	if !errors.Is(err, sql.ErrNoRows) {
		return order, err
	}
	var stock int
	if err := db.QueryRowContext(ctx, "SELECT stock FROM products WHERE id = ?", req.Product).Scan(&stock); err != nil {
		return 0, err
	}
	if stock-pending[req.Product] < req.Quantity {
		return 0, errSoldOut
	}
	pending[req.Product] += req.Quantity
	order = rand.Int64N(1 << 60)
	sold[req.ID] = order
	go write(db, req, order)
	return order, nil
}

var (
	mu      sync.Mutex
	sold    = map[string]int64{}
	pending = map[int64]int{} // pieces that are sold and not written
)

func write(db *sql.DB, req request, order int64) {
	tx, err := db.Begin()
	if err != nil {
		log.Print(err)
		return
	}
	defer tx.Rollback()
	_, err = tx.Exec("UPDATE products SET stock = stock - ? WHERE id = ?", req.Quantity, req.Product)
	if err == nil {
		_, err = tx.Exec("INSERT INTO orders (id, user_id, product_id, quantity, request_id) VALUES (?, ?, ?, ?, ?)",
			order, req.User, req.Product, req.Quantity, req.ID)
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		log.Print(err)
	}
	mu.Lock()
	defer mu.Unlock()
	pending[req.Product] -= req.Quantity
}
