package skewedkeys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
)

// service asks one instance of the learner's program.
type service struct {
	*fix.Service
	http *http.Client
}

// absent is what card returns where the program knows no card.
const absent = ""

// put keeps a card; ok says that the program took it.
func (s service) put(ctx context.Context, a article, card string) (ok bool, err error) {
	status, _, err := s.ask(ctx, http.MethodPut, item(a), card)
	return status == http.StatusNoContent, err
}

// card reads one card. An answer that is none comes back as the text of the
// answer, which no card equals.
func (s service) card(ctx context.Context, a article) (string, error) {
	status, body, err := s.ask(ctx, http.MethodGet, item(a), "")
	switch status {
	case http.StatusOK:
		if body == absent {
			return "an empty card", err
		}
		return body, err
	case http.StatusNotFound:
		return absent, err
	}
	return fmt.Sprintf("status %d: %s", status, body), err
}

// cards reads several cards of one store.
func (s service) cards(ctx context.Context, list []article) (map[string]string, error) {
	q := url.Values{}
	for _, a := range list {
		q.Add("sku", a.sku)
	}
	status, body, err := s.ask(ctx, http.MethodGet, "/stores/"+url.PathEscape(list[0].store)+"/items?"+q.Encode(), "")
	if err != nil || status != http.StatusOK {
		return map[string]string{}, err // none of the cards was answered
	}
	found := map[string]string{}
	_ = json.Unmarshal([]byte(body), &found) // what is no JSON has no card in it
	return found, nil
}

// moved says whether all old cards are where the program wants them.
func (s service) moved(ctx context.Context) (bool, error) {
	status, _, err := s.ask(ctx, http.MethodGet, "/moved", "")
	return status == http.StatusOK, err
}

func item(a article) string {
	return "/stores/" + url.PathEscape(a.store) + "/items/" + url.PathEscape(a.sku)
}

// patience ends a request that hangs; it decides nothing else.
const patience = time.Minute

// ask sends one request. A program that lives and gives no answer has answered
// wrongly, with status 0; one that ended, or that hangs, is an error, and its own.
func (s service) ask(ctx context.Context, method, path, body string) (status int, answer string, err error) {
	hung := lab.Blame(lab.ApplyCheck, fmt.Errorf("the program did not answer %s %s within %s", method, path, patience))
	ctx, cancel := context.WithTimeoutCause(ctx, patience, hung)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+s.Addr+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	res, err := s.http.Do(req)
	if err == nil {
		defer res.Body.Close()
		var b []byte
		if b, err = io.ReadAll(res.Body); err == nil {
			return res.StatusCode, string(b), nil
		}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return 0, "", lab.Blame(lab.ApplyCheck, context.Cause(ctx))
	}
	if ctx.Err() != nil {
		return 0, "", context.Cause(ctx)
	}
	select {
	case <-s.Done(): // it may be on its way out
		return 0, "", s.ended()
	case <-time.After(time.Second):
		return 0, "no answer: " + err.Error(), nil
	}
}

// ended is nil as long as the program lives.
func (s service) ended() error {
	select {
	case <-s.Done():
	default:
		return nil
	}
	if err := s.Err(); err != nil {
		return err
	}
	return lab.Blame(lab.ApplyCheck, errors.New("the program ended by itself, without an error"))
}

// saysMoved is moved for a program that need not listen yet.
func (s service) saysMoved(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr+"/moved", nil)
	if err != nil {
		return false
	}
	res, err := s.http.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// each calls f for all of list, some at a time.
func each[T any](ctx context.Context, list []T, f func(ctx context.Context, i int, x T) error) error {
	const workers = 8
	g, ctx := errgroup.WithContext(ctx)
	for w := range workers {
		g.Go(func() error {
			for i := w; i < len(list); i += workers {
				if err := f(ctx, i, list[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}
