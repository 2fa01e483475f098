package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
)

// Where orders that are paid wait for their cards, and who waits for them there.
const (
	stream = "paid"
	group  = "cards"
)

// callback notes what became of a payment.
func (s *shop) callback(ctx context.Context, c callback) error {
	key := "order:" + c.Order
	order, err := s.rdb.HGetAll(ctx, key).Result()
	if err != nil {
		return err
	}
	if len(order) == 0 {
		return errUnknown
	}
	order["status"] = c.Result
	if err := s.rdb.HSet(ctx, key, order).Err(); err != nil {
		return err
	}
	if c.Result != "paid" {
		return nil
	}
	return s.rdb.XAdd(ctx, &redis.XAddArgs{Stream: stream, Values: []string{"order", c.Order}}).Err()
}

// work issues cards for orders that are paid, as long as the shop lives.
func (s *shop) work(ctx context.Context) {
	_ = s.rdb.XGroupCreateMkStream(ctx, stream, group, "$").Err() // mostly there already
	for {
		streams, err := s.rdb.XReadGroup(ctx, &redis.XReadGroupArgs{
			Group: group, Consumer: s.name, Streams: []string{stream, ">"}, Count: 10, Block: 100 * time.Millisecond,
		}).Result()
		if err != nil && err != redis.Nil {
			log.Print(err)
			time.Sleep(100 * time.Millisecond)
		}
		for _, st := range streams {
			for _, m := range st.Messages {
				if err := s.done(ctx, m); err != nil {
					log.Printf("card for %v: %v", m.Values["order"], err)
				}
			}
		}
	}
}

// done issues the card that a message asks for.
func (s *shop) done(ctx context.Context, m redis.XMessage) error {
	order, _ := m.Values["order"].(string)
	card, err := s.issue(ctx, order)
	if err != nil {
		return err
	}
	if err := s.rdb.HSet(ctx, "order:"+order, "status", "issued", "card", card).Err(); err != nil {
		return err
	}
	return s.rdb.XAck(ctx, stream, group, m.ID).Err()
}

// issue has the card company issue a card for an order.
func (s *shop) issue(ctx context.Context, order string) (card string, err error) {
	body, err := json.Marshal(map[string]string{"order": order})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cards, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	res, err := s.http.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("the card company says %s", res.Status)
	}
	var answer struct {
		Card string `json:"card"`
	}
	err = json.NewDecoder(res.Body).Decode(&answer)
	return answer.Card, err
}
