// fails: no-card
// The group begins with what comes after it was made. What was there before is for nobody.
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

// noted says what became of a payment and, if it is news that the order is paid, puts
// it into the stream: both or neither. A payment that failed takes nothing back.
var noted = redis.NewScript(`
	local status = redis.call('HGET', KEYS[1], 'status')
	if not status then
		return 0
	elseif ARGV[1] == 'failed' and status == 'unpaid' then
		redis.call('HSET', KEYS[1], 'status', 'failed')
	elseif ARGV[1] == 'paid' and (status == 'unpaid' or status == 'failed') then
		redis.call('HSET', KEYS[1], 'status', 'paid')
		redis.call('XADD', KEYS[2], '*', 'order', ARGV[2])
	end
	return 1`)

// finished says what became of an order, and takes its entry out of the stream.
var finished = redis.NewScript(`
	if ARGV[3] ~= '' then
		redis.call('HSET', KEYS[1], 'status', ARGV[3], 'card', ARGV[4])
	end
	redis.call('XACK', KEYS[2], ARGV[1], ARGV[2])
	redis.call('XDEL', KEYS[2], ARGV[2])`)

// callback notes what became of a payment.
func (s *shop) callback(ctx context.Context, c callback) error {
	known, err := noted.Run(ctx, s.rdb, []string{"order:" + c.Order, stream}, c.Result, c.Order).Bool()
	if err == nil && !known {
		return errUnknown
	}
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
	err := s.rdb.XGroupCreateMkStream(ctx, stream, group, "$").Err()
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
	err = finished.Run(ctx, s.rdb, []string{"order:" + order, stream}, group, m.ID, now, card).Err()
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
