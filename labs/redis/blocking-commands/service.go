package blocking

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
)

// service asks one instance of the learner's program.
type service struct{ *fix.Service }

func cartPath(shop, customer string) string   { return "/shops/" + shop + "/carts/" + customer }
func pointsPath(shop, customer string) string { return "/shops/" + shop + "/points/" + customer }

// change asks for something that is to be done, and that a program has no reason
// to refuse.
func (s service) change(ctx context.Context, method, path, body string) error {
	status, answer, err := s.Ask(ctx, method, path, body)
	if err == nil && status != http.StatusNoContent {
		return lab.Blame("wrong-answers", fmt.Errorf("%s %s was answered with %d %.200q", method, path, status, answer))
	}
	return err
}

func (s service) putIntoCart(ctx context.Context, shop, customer, sku, pieces string) error {
	return s.change(ctx, http.MethodPut, cartPath(shop, customer)+"/"+sku, pieces)
}

func (s service) dropCart(ctx context.Context, shop, customer string) error {
	return s.change(ctx, http.MethodDelete, cartPath(shop, customer), "")
}

func (s service) dropMailing(ctx context.Context, mailing string) error {
	return s.change(ctx, http.MethodDelete, "/mailings/"+mailing, "")
}

// cart is what the program says that a customer has.
func (s service) cart(ctx context.Context, shop, customer string) (cart map[string]string, there bool, err error) {
	status, answer, err := s.Ask(ctx, http.MethodGet, cartPath(shop, customer), "")
	if err == nil && status == http.StatusOK {
		_ = json.Unmarshal([]byte(answer), &cart) // what is no JSON is an empty cart, which there is not
	}
	return cart, status != http.StatusNotFound, err
}

// lines are those of an answer of several; none if it is none.
func (s service) lines(ctx context.Context, path string) (lines []string, err error) {
	status, answer, err := s.Ask(ctx, http.MethodGet, path, "")
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return []string{fmt.Sprintf("status %d: %s", status, answer)}, nil
	}
	return strings.Fields(answer), nil
}

// What follows keeps the books, too.

func (t *trial) putIntoCart(ctx context.Context, s service, shop, customer string) error {
	t.mu.Lock()
	sku, pieces := fmt.Sprintf("c%05d", t.rnd.IntN(50_000)), strconv.Itoa(1+t.rnd.IntN(9))
	t.mu.Unlock()
	if err := s.putIntoCart(ctx, shop, customer, sku, pieces); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	cart := maps.Clone(t.carts[shop].of[customer])
	if cart == nil {
		cart = map[string]string{}
	}
	cart[sku] = pieces
	t.carts[shop].set(customer, cart)
	return nil
}

func (t *trial) dropCart(ctx context.Context, s service, shop, customer string) error {
	if err := s.dropCart(ctx, shop, customer); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.carts[shop].of, customer)
	return nil
}

func (t *trial) seeCart(ctx context.Context, s service, shop, customer string) error {
	got, there, err := s.cart(ctx, shop, customer)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	want, has := t.carts[shop].of[customer]
	if there != has || !maps.Equal(got, want) {
		t.mistake("wrong-answers", "GET %s answered %.200q; there is %v", cartPath(shop, customer), fmt.Sprint(got), want)
	}
	return nil
}

func (t *trial) setPoints(ctx context.Context, s service, shop, customer string) error {
	t.mu.Lock()
	points := strconv.Itoa(1 + t.rnd.IntN(99_999))
	t.mu.Unlock()
	if err := s.change(ctx, http.MethodPut, pointsPath(shop, customer), points); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.points[shop].set(customer, points)
	return nil
}

func (t *trial) dropPoints(ctx context.Context, s service, shop, customer string) error {
	if err := s.change(ctx, http.MethodDelete, pointsPath(shop, customer), ""); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.points[shop].of, customer)
	return nil
}

func (t *trial) seePoints(ctx context.Context, s service, shop, customer string) error {
	status, got, err := s.Ask(ctx, http.MethodGet, pointsPath(shop, customer), "")
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	want, has := t.points[shop].of[customer]
	if has != (status == http.StatusOK) || !has && status != http.StatusNotFound || has && strings.TrimSpace(got) != want {
		t.mistake("wrong-answers", "GET %s answered %d %.60q; the last that was put is %q", pointsPath(shop, customer), status, got, want)
	}
	return nil
}

func (t *trial) addMember(ctx context.Context, s service, mailing, customer string) error {
	if err := s.change(ctx, http.MethodPut, "/mailings/"+mailing+"/"+customer, ""); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mailings[mailing].set(customer, true)
	return nil
}

func (t *trial) seeMember(ctx context.Context, s service, mailing, customer string) error {
	status, _, err := s.Ask(ctx, http.MethodGet, "/mailings/"+mailing+"/"+customer, "")
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	want := http.StatusNotFound
	if t.mailings[mailing].of[customer] {
		want = http.StatusOK
	}
	if status != want {
		t.mistake("wrong-members", "GET /mailings/%s/%s answered %d and not %d", mailing, customer, status, want)
	}
	return nil
}

// listCarts asks for a shop's list. What is there from before until after must be
// in it once; what comes or goes meanwhile may be.
func (t *trial) listCarts(ctx context.Context, s service, shop string) error {
	t.mu.Lock()
	before := maps.Clone(t.carts[shop].of)
	t.mu.Unlock()
	lines, err := s.lines(ctx, "/shops/"+shop+"/carts")
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	after := t.carts[shop].of
	got := map[string]int{}
	for _, customer := range lines {
		got[customer]++
		_, was := before[customer]
		_, is := after[customer]
		switch {
		case !was && !is:
			t.mistake("wrong-lists", "the list of %s has %.60q, who has no cart", shop, customer)
		case got[customer] == 2:
			t.mistake("wrong-lists", "the list of %s has %s twice", shop, customer)
		}
	}
	for customer := range before {
		if _, still := after[customer]; still && got[customer] == 0 {
			t.mistake("wrong-lists", "the list of %s lacks %s, who has %.200q", shop, customer, fmt.Sprint(after[customer]))
		}
	}
	return nil
}

// exportPoints does so with points, which must be such as the customer had meanwhile.
func (t *trial) exportPoints(ctx context.Context, s service, shop string) error {
	t.mu.Lock()
	before := maps.Clone(t.points[shop].of)
	t.mu.Unlock()
	lines, err := s.lines(ctx, "/shops/"+shop+"/points")
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	after := t.points[shop].of
	got := map[string]int{}
	for _, line := range lines {
		customer, points, _ := strings.Cut(line, ",")
		got[customer]++
		was, had := before[customer]
		is, has := after[customer]
		switch {
		case !had && !has:
			t.mistake("wrong-exports", "the export of %s has %.60q, a customer without points", shop, line)
		case (!had || points != was) && (!has || points != is):
			t.mistake("wrong-exports", "the export of %s has %.60q; the customer has %q, and had %q when it began", shop, line, is, was)
		case got[customer] == 2:
			t.mistake("wrong-exports", "the export of %s has %s twice", shop, customer)
		}
	}
	for customer := range before {
		if _, still := after[customer]; still && got[customer] == 0 {
			t.mistake("wrong-exports", "the export of %s lacks %s, who has %s points", shop, customer, after[customer])
		}
	}
	return nil
}

// mistake counts for a reading.
func (t *trial) mistake(reading, format string, args ...any) {
	t.wrong[reading]++
	t.r.Note(reading, format, args...)
}

// newcomer is a customer whom nobody knows yet.
func (t *trial) newcomer() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fresh += 1 + t.rnd.IntN(9)
	return fmt.Sprintf("c%08d", 30_000_000+t.fresh)
}
