package skewedkeys

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"faultlab/internal/fix"
)

// service asks one instance of the learner's program.
type service struct{ *fix.Service }

// absent is what card returns where the program knows no card.
const absent = ""

// put keeps a card; ok says that the program took it.
func (s service) put(ctx context.Context, a article, card string) (ok bool, err error) {
	status, _, err := s.Ask(ctx, http.MethodPut, item(a), card)
	return status == http.StatusNoContent, err
}

// card reads one card. An answer that is none comes back as the text of the
// answer, which no card equals.
func (s service) card(ctx context.Context, a article) (string, error) {
	status, body, err := s.Ask(ctx, http.MethodGet, item(a), "")
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
	status, body, err := s.Ask(ctx, http.MethodGet, "/stores/"+url.PathEscape(list[0].store)+"/items?"+q.Encode(), "")
	if err != nil || status != http.StatusOK {
		return map[string]string{}, err // none of the cards was answered
	}
	found := map[string]string{}
	_ = json.Unmarshal([]byte(body), &found) // what is no JSON has no card in it
	return found, nil
}

// moved says whether all old cards are where the program wants them.
func (s service) moved(ctx context.Context) (bool, error) {
	status, _, err := s.Ask(ctx, http.MethodGet, "/moved", "")
	return status == http.StatusOK, err
}

func item(a article) string {
	return "/stores/" + url.PathEscape(a.store) + "/items/" + url.PathEscape(a.sku)
}

// saysMoved is moved for a program that need not listen yet.
func (s service) saysMoved(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr+"/moved", nil)
	if err != nil {
		return false
	}
	res, err := s.HTTP.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}
