package oversell

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"faultlab/internal/measure"
)

// request is a purchase as the app sends it.
type request struct {
	ID       string `json:"request"`
	User     int64  `json:"user"`
	Product  int64  `json:"product"`
	Quantity int    `json:"quantity"`
}

// purchase is what one buyer wants, and what the tills have said to it. Hardly
// anybody buys twice.
type purchase struct {
	request
	till  int  // where it is sent first
	twice bool // to both at once

	mu      sync.Mutex
	sold    []int64 // the orders' numbers, one for each such answer
	refused int     // answers that it is sold out, after none or some of the others
	lies    int     // of these, those after an order was known
	gaveUp  string  // the last answer of a till that never gave a good one
}

// buyers are n new ones who want so many pieces each, in turns at each till.
func (s *sale) buyers(p *product, n, quantity int) (all []*purchase) {
	for i := range n {
		s.next += 1 + s.rnd.Int64N(9)
		all = append(all, &purchase{till: i % 2, request: request{
			ID:       fmt.Sprintf("%08x-%d", s.rnd.Uint32(), s.next),
			User:     s.next,
			Product:  p.id,
			Quantity: quantity,
		}})
	}
	s.purchases = append(s.purchases, all...)
	return all
}

// wave is purchases that were sent at once.
type wave struct {
	*measure.Wave
	at [2]int // of these, sent to each till
}

func (s *sale) send(ctx context.Context, all []*purchase) *wave {
	w := &wave{}
	type try struct {
		*purchase
		till int
	}
	var tries []try
	for _, b := range all {
		tries = append(tries, try{b, b.till})
		if b.twice {
			tries = append(tries, try{b, 1 - b.till})
		}
	}
	for _, t := range tries {
		w.at[t.till]++
	}
	w.Wave = measure.Send(len(tries), func(i int) error { return s.buy(ctx, tries[i].purchase, tries[i].till) })
	return w
}

// buy sends a purchase to a till, again and again until it says that it is sold
// or sold out. A till that was killed meanwhile has said nothing.
func (s *sale) buy(ctx context.Context, b *purchase, till int) error {
	const tries = 100
	t := s.tills[till]
	body, err := json.Marshal(b.request)
	if err != nil {
		return err
	}
	b.mu.Lock()
	known := len(b.sold) > 0
	b.mu.Unlock()
	var last string
	for range tries {
		status, text, err := t.Ask(ctx, http.MethodPost, "/buy", string(body))
		if err != nil {
			if s.dead.Load() == t && ctx.Err() == nil {
				return nil
			}
			return err
		}
		var answer struct {
			Order int64 `json:"order"`
		}
		switch {
		case status == http.StatusConflict:
			b.mu.Lock()
			defer b.mu.Unlock()
			b.refused++
			if known {
				b.lies++
			}
			return nil
		case status == http.StatusOK && json.Unmarshal([]byte(text), &answer) == nil && answer.Order != 0:
			b.mu.Lock()
			defer b.mu.Unlock()
			b.sold = append(b.sold, answer.Order)
			return nil
		}
		last = fmt.Sprintf("%d %s", status, strings.TrimSpace(text))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gaveUp = last
	return nil
}
