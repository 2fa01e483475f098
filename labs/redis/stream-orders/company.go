package streamorders

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// company issues cards over HTTP. Each shop has an address of its own, so that it is
// known who asks.
type company struct {
	servers []*http.Server
	addrs   []string

	mu       sync.Mutex
	next     int
	cards    map[string][]string // issued, by order
	keys     map[string]*request // by Idempotency-Key
	asking   map[string]int      // requests under way, by order
	told     map[string]bool     // orders of which an answer for good has gone out
	down     bool                // nobody is served
	turned   int                 // requests that came meanwhile
	calm     bool                // nothing is wrong: who asks twice asks needlessly
	needless int
	seen     string // the first needless request

	refuses map[string]bool // orders that get no card
	// came is called before a request is looked at, and issued when there is a
	// card and nobody has been told of it; false ends the request there, without
	// an answer.
	came, issued func(shop int, order string) bool
}

// request is what was asked with a key, and the answer once there is one.
type request struct{ order, card string }

func openCompany(ctx context.Context, next int) (*company, error) {
	c := &company{
		next: next, cards: map[string][]string{}, asking: map[string]int{}, told: map[string]bool{}, refuses: map[string]bool{},
	}
	c.forget()
	c.watch(nil, nil)
	for shop := range names {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
		if err != nil {
			c.close()
			return nil, fmt.Errorf("open the card company: %w", err)
		}
		s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c.answer(w, r, shop)
		})}
		c.servers = append(c.servers, s)
		c.addrs = append(c.addrs, "http://"+l.Addr().String()+"/cards")
		go func() { _ = s.Serve(l) }() // until close
	}
	return c, nil
}

func (c *company) close() {
	for _, s := range c.servers {
		_ = s.Close()
	}
}

// watch sets what is called; nil goes on.
func (c *company) watch(came, issued func(shop int, order string) bool) {
	goOn := func(int, string) bool { return true }
	if came == nil {
		came = goOn
	}
	if issued == nil {
		issued = goOn
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.came, c.issued = came, issued
}

// forget lets a day pass: keys are good for one.
func (c *company) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys = map[string]*request{}
}

// serves says whether anybody is served at all.
func (c *company) serves(yes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = !yes
}

// refuse has the company issue no card for an order, for good.
func (c *company) refuse(order string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuses[order] = true
}

// still says that nothing is wrong from now on, or that something is.
func (c *company) still(yes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calm = yes
}

func (c *company) answer(w http.ResponseWriter, r *http.Request, shop int) {
	var body struct {
		Order string `json:"order"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&body); err != nil || body.Order == "" {
		http.Error(w, `the body is not {"order":"…"}`, http.StatusBadRequest)
		return
	}
	status, card := c.issue(r.Header.Get("Idempotency-Key"), body.Order, shop)
	switch status {
	case 0:
		panic(http.ErrAbortHandler) // the connection breaks
	case http.StatusCreated:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"card": card})
	default:
		http.Error(w, http.StatusText(status), status)
	}
}

// issue is the answer to one request; 0 is none.
func (c *company) issue(key, order string, shop int) (status int, card string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		c.turned++
		return http.StatusServiceUnavailable, ""
	}
	if c.calm && (c.asking[order] > 0 || c.told[order]) {
		c.needless++
		if c.seen == "" {
			what := "that it had been answered for"
			if c.asking[order] > 0 {
				what = "that was being asked for"
			}
			c.seen = fmt.Sprintf("%s asked for the card of order %s, %s", names[shop], order, what)
		}
	}
	q := c.keys[key]
	switch {
	case key == "":
	case q != nil && q.order != order:
		return http.StatusBadRequest, ""
	case q != nil && q.card == "":
		return http.StatusConflict, ""
	case q == nil:
		q = &request{order: order}
		c.keys[key] = q
	}
	c.asking[order]++
	defer func() {
		c.asking[order]--
		if q != nil && q.card == "" {
			delete(c.keys, key) // whoever asks again asks anew
		}
	}()
	if !c.unlocked(c.came, shop, order) {
		return 0, ""
	}
	if c.refuses[order] {
		c.told[order] = true
		return http.StatusUnprocessableEntity, ""
	}
	if q == nil {
		q = &request{order: order}
	}
	if q.card == "" {
		c.next++
		q.card = fmt.Sprintf("card-%08d", c.next)
		c.cards[order] = append(c.cards[order], q.card)
	}
	if !c.unlocked(c.issued, shop, order) {
		return 0, ""
	}
	c.told[order] = true
	return http.StatusCreated, q.card
}

func (c *company) unlocked(f func(int, string) bool, shop int, order string) bool {
	c.mu.Unlock()
	defer c.mu.Lock()
	return f(shop, order)
}

// of is what an order has got.
func (c *company) of(order string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cards[order]
}

// turnedAway is how many requests came while nobody was served.
func (c *company) turnedAway() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.turned
}
