// fails: too-many-cards
// shows: has the cards
// The card company is given the message's id as the key. A callback that comes twice is
// two messages, and so two keys.
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

// finished says what became of an order, and takes its entry out of the stream.
var finished = redis.NewScript(`
	if ARGV[3] ~= '' then
		redis.call('HSET', KEYS[1], 'status', ARGV[3], 'card', ARGV[4])
	end
	redis.call('XACK', KEYS[2], ARGV[1], ARGV[2])
	redis.call('XDEL', KEYS[2], ARGV[2])`)

// callback notes what became of a payment, and sends a message if it is paid: both or
// neither.
func (s *shop) callback(ctx context.Context, c callback) error {
	key := "order:" + c.Order
	status, err := s.rdb.HGet(ctx, key, "status").Result()
	if errors.Is(err, redis.Nil) {
		return errUnknown
	}
	if err != nil || c.Result == status || status == "issued" || status == "refused" || status == "paid" {
		return err
	}
	_, err = s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, key, "status", c.Result)
		if c.Result == "paid" {
			p.XAdd(ctx, &redis.XAddArgs{Stream: stream, Values: []string{"order", c.Order}})
		}
		return nil
	})
	return err
}

// work issues cards for orders that are paid, as long as the shop lives.
func (s *shop) work(ctx context.Context) {
	mine := "0" // first what this shop had begun before it died
	for {
		err := s.round(ctx, &mine)
		if err != nil && !errors.Is(err, redis.Nil) {
			log.Print(err)
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// round does what is there: of this shop's own, of dead shops, one that is new. It
// takes one at a time, so that nothing grows old behind something slow.
func (s *shop) round(ctx context.Context, mine *string) error {
	err := s.rdb.XGroupCreateMkStream(ctx, stream, group, "0").Err()
	if err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") {
		return err
	}
	for *mine != ">" {
		own, err := s.read(ctx, *mine)
		if err != nil {
			return err
		}
		*mine = ">"
		if len(own) > 0 {
			*mine = own[0].ID
		}
		s.all(ctx, own)
	}
	for start := "0"; ; {
		left, next, err := s.rdb.XAutoClaim(ctx, &redis.XAutoClaimArgs{
			Stream: stream, Group: group, Consumer: s.name, MinIdle: abandoned, Start: start, Count: 1,
		}).Result()
		if err != nil {
			return err
		}
		s.all(ctx, left)
		if start = next; start == "0-0" {
			break
		}
	}
	fresh, err := s.read(ctx, ">")
	s.all(ctx, fresh)
	return err
}

func (s *shop) read(ctx context.Context, from string) ([]redis.XMessage, error) {
	streams, err := s.rdb.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: group, Consumer: s.name, Streams: []string{stream, from}, Count: 1, Block: 100 * time.Millisecond,
	}).Result()
	if len(streams) == 0 {
		return nil, err
	}
	return streams[0].Messages, err
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
	now := "issued"
	card, err := s.issue(ctx, order, m.ID)
	switch {
	case errors.Is(err, errRefused):
		now = "refused"
	case err != nil:
		return err
	}
	err = finished.Run(ctx, s.rdb, []string{"order:" + order, stream}, group, m.ID, now, card).Err()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}

var errRefused = errors.New("the card company issues no card for this order")

// issue has the card company issue a card for an order. However often it is asked
// with the same key, it is one card.
func (s *shop) issue(ctx context.Context, order, key string) (card string, err error) {
	body, err := json.Marshal(map[string]string{"order": order})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cards, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Idempotency-Key", key)
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
