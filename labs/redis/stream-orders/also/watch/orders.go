package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Where orders that are paid wait for their cards, and who waits for them there.
const (
	stream = "paid"
	group  = "cards"
)

// abandoned is how long nobody has touched what a dead shop has left. It is more
// than the longest call to the card company takes.
const abandoned = 40 * time.Second

// callback notes what became of a payment and, if it is news that the order is paid,
// sends a message: both or neither. Whoever was quicker makes it look again.
func (s *shop) callback(ctx context.Context, c callback) error {
	key := "order:" + c.Order
	for {
		err := s.rdb.Watch(ctx, func(tx *redis.Tx) error {
			status, err := tx.HGet(ctx, key, "status").Result()
			if errors.Is(err, redis.Nil) {
				return errUnknown
			}
			if err != nil || status != "unpaid" && status != "failed" || status == c.Result {
				return err
			}
			if status == "failed" && c.Result != "paid" {
				return nil
			}
			_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.HSet(ctx, key, "status", c.Result)
				if c.Result == "paid" {
					p.XAdd(ctx, &redis.XAddArgs{Stream: stream, Values: []string{"order", c.Order}})
				}
				return nil
			})
			return err
		}, key)
		if !errors.Is(err, redis.TxFailedErr) {
			return err
		}
	}
}

// work issues cards for orders that are paid, as long as the shop lives. It has a new
// name each time; what it leaves behind is claimed as anybody's.
func (s *shop) work(ctx context.Context) {
	s.name = fmt.Sprintf("%s-%d", s.name, time.Now().UnixNano())
	for {
		if err := s.round(ctx); err != nil {
			log.Print(err)
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// round does what is there: of dead shops, one that is new.
func (s *shop) round(ctx context.Context) error {
	err := s.rdb.XGroupCreateMkStream(ctx, stream, group, "0").Err()
	if err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") {
		return err
	}
	for {
		left, err := s.rdb.XPendingExt(ctx, &redis.XPendingExtArgs{
			Stream: stream, Group: group, Idle: abandoned, Start: "-", End: "+", Count: 1,
		}).Result()
		if err != nil {
			return err
		}
		if len(left) == 0 {
			break
		}
		list, err := s.rdb.XClaim(ctx, &redis.XClaimArgs{
			Stream: stream, Group: group, Consumer: s.name, MinIdle: abandoned, Messages: []string{left[0].ID},
		}).Result()
		if err != nil {
			return err
		}
		s.all(ctx, list)
	}
	streams, err := s.rdb.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: group, Consumer: s.name, Streams: []string{stream, ">"}, Count: 1, Block: 100 * time.Millisecond,
	}).Result()
	if errors.Is(err, redis.Nil) {
		return s.trim(ctx)
	}
	for _, st := range streams {
		s.all(ctx, st.Messages)
	}
	return err
}

// trim takes out of the stream what is older than all that is still to be done.
func (s *shop) trim(ctx context.Context) error {
	pending, err := s.rdb.XPending(ctx, stream, group).Result()
	if err != nil {
		return err
	}
	first := pending.Lower
	if pending.Count == 0 {
		groups, err := s.rdb.XInfoGroups(ctx, stream).Result()
		if err != nil {
			return err
		}
		first = groups[0].LastDeliveredID // itself may stay
	}
	return s.rdb.XTrimMinID(ctx, stream, first).Err()
}

// all does each of them; what fails stays pending, until it is abandoned.
func (s *shop) all(ctx context.Context, list []redis.XMessage) {
	for _, m := range list {
		if err := s.done(ctx, m); err != nil {
			log.Printf("card for %v: %v", m.Values["order"], err)
		}
	}
}

// done issues the card that a message asks for, unless the order has one.
func (s *shop) done(ctx context.Context, m redis.XMessage) error {
	order, _ := m.Values["order"].(string)
	status, err := s.rdb.HGet(ctx, "order:"+order, "status").Result()
	if err != nil {
		return err
	}
	var now, card string
	if status != "issued" && status != "refused" {
		card, err = s.issue(ctx, order)
		switch {
		case errors.Is(err, errRefused):
			now = "refused"
		case err != nil:
			return err
		default:
			now = "issued"
		}
	}
	if now != "" {
		if err := s.rdb.HSet(ctx, "order:"+order, "status", now, "card", card).Err(); err != nil {
			return err
		}
	}
	return s.rdb.XAck(ctx, stream, group, m.ID).Err()
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
