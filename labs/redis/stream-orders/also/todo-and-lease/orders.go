package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
)

// Where orders that are paid wait for their cards. Older shops had a stream for it.
const (
	todo = "todo"
	old  = "paid"
)

// abandoned is how long a shop has an order to itself. It is more than the longest call
// to the card company takes.
const abandoned = 40 * time.Second

// noted says what became of a payment and, if it is news that the order is paid, puts
// it onto the list: both or neither. A payment that failed takes nothing back.
var noted = redis.NewScript(`
	local status = redis.call('HGET', KEYS[1], 'status')
	if not status then
		return 0
	elseif ARGV[1] == 'failed' and status == 'unpaid' then
		redis.call('HSET', KEYS[1], 'status', 'failed')
	elseif ARGV[1] == 'paid' and (status == 'unpaid' or status == 'failed') then
		redis.call('HSET', KEYS[1], 'status', 'paid')
		redis.call('SADD', KEYS[2], ARGV[2])
	end
	return 1`)

// moved brings over what is in the stream.
var moved = redis.NewScript(`
	for _, m in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
		redis.call('SADD', KEYS[2], m[2][2])
	end
	redis.call('DEL', KEYS[1])`)

// finished says what became of an order, and takes it off the list.
var finished = redis.NewScript(`
	redis.call('HSET', KEYS[1], 'status', ARGV[2], 'card', ARGV[3])
	redis.call('SREM', KEYS[2], ARGV[1])
	redis.call('DEL', KEYS[3])`)

// callback notes what became of a payment.
func (s *shop) callback(ctx context.Context, c callback) error {
	known, err := noted.Run(ctx, s.rdb, []string{"order:" + c.Order, todo}, c.Result, c.Order).Bool()
	if err == nil && !known {
		return errUnknown
	}
	return err
}

// work issues cards for orders that are paid, as long as the shop lives.
func (s *shop) work(ctx context.Context) {
	for {
		if err := s.round(ctx); err != nil {
			log.Print(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// round does all that nobody has to himself.
func (s *shop) round(ctx context.Context) error {
	if err := moved.Run(ctx, s.rdb, []string{old, todo}).Err(); err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	orders, err := s.rdb.SMembers(ctx, todo).Result()
	for _, order := range orders {
		if err := s.done(ctx, order); err != nil {
			log.Printf("card for %s: %v", order, err)
		}
	}
	return err
}

// done issues the card of an order, unless another shop is about to.
func (s *shop) done(ctx context.Context, order string) error {
	lease := "lease:" + order
	if ours, err := s.rdb.SetNX(ctx, lease, s.name, abandoned).Result(); err != nil || !ours {
		return err
	}
	status, err := s.rdb.HGet(ctx, "order:"+order, "status").Result()
	if err != nil {
		return err
	}
	if status != "paid" { // it was done after we had read the list
		return s.rdb.Del(ctx, lease).Err()
	}
	now := "issued"
	card, err := s.issue(ctx, order)
	if errors.Is(err, errRefused) {
		now, err = "refused", nil
	}
	if err != nil {
		return err // the lease says when it is tried again
	}
	err = finished.Run(ctx, s.rdb, []string{"order:" + order, todo, lease}, order, now, card).Err()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}

var errRefused = errors.New("the card company issues no card for this order")

// issue has the card company issue a card for an order. However often it is asked
// with the same key, it is one card.
func (s *shop) issue(ctx context.Context, order string) (card string, err error) {
	body, err := json.Marshal(map[string]string{"order": order})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cards, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Idempotency-Key", order)
	res, err := s.http.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusCreated:
	case http.StatusUnprocessableEntity:
		return "", errRefused
	default:
		return "", fmt.Errorf("the card company says %s", res.Status)
	}
	var answer struct {
		Card string `json:"card"`
	}
	err = json.NewDecoder(res.Body).Decode(&answer)
	return answer.Card, err
}
