package cachestampede

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// wave is readers of one page who came at once.
type wave struct {
	*measure.Wave
	*product
	at     []*instance
	began  time.Time
	passed time.Duration // that was let go by in Redis since then
	twice  bool          // two builds were under way sooner than one may take: no slow machine's fault
	cancel context.CancelFunc
}

// age is how old its readers' wait is to them and to Redis.
func (w *wave) age() time.Duration { return time.Since(w.began) + w.passed }

// read sends n readers to the instances in turn.
func (s *shop) read(ctx context.Context, p *product, n int, at ...*instance) *wave {
	ctx, cancel := context.WithCancel(ctx)
	w := &wave{product: p, at: at, began: time.Now(), cancel: cancel}
	w.Wave = measure.Send(n, func(i int) error { return s.visit(ctx, at[i%len(at)], p) })
	return w
}

// finish waits for the readers of waves. Who has no answer by now has none.
func (s *shop) finish(ctx context.Context, all ...*wave) error {
	for _, w := range all {
		late, err := w.Within(ctx, forgotten)
		if err != nil {
			return err
		}
		if late > 0 {
			s.fail(late, "%d of %d readers of %s had no answer after %s, with nothing in the way", late, w.Size, w.sku, forgotten)
		}
		w.cancel()
		if err := w.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// visit reads a page once and looks at it. What was cut off on purpose says nothing.
func (s *shop) visit(ctx context.Context, i *instance, p *product) error {
	_, err := s.price(ctx, i, p)
	return err
}

// price is what a page says, 0 if it says nothing that is so, or was so once.
func (s *shop) price(ctx context.Context, i *instance, p *product) (int, error) {
	status, text, err := i.Ask(ctx, http.MethodGet, "/pages/"+p.sku, "")
	if i.dead.Load() || ctx.Err() != nil {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	type page struct {
		SKU, Name             string
		Price, Reviews, Stars int
	}
	var got page
	if status == http.StatusOK && json.Unmarshal([]byte(text), &got) == nil && slices.Contains(p.prices, got.Price) &&
		got == (page{p.sku, p.name, got.Price, len(p.rated), p.stars()}) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked++
		return got.Price, nil
	}
	s.fail(1, "the page of %s is %d %.160q; it should say %q, %d reviews, %d stars and one of the prices %d",
		p.sku, status, text, p.name, len(p.rated), p.stars(), p.prices)
	return 0, nil
}

// keepReading has one reader at each instance who reads again and again, until stop.
func (s *shop) keepReading(ctx context.Context, p *product) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	at := s.at
	w := measure.Send(len(at), func(n int) error {
		return measure.Every(ctx, 10*time.Millisecond, func(ctx context.Context) error { return s.visit(ctx, at[n], p) })
	})
	stopped := false
	return func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return w.Wait(context.WithoutCancel(ctx)) // they end with their own context
	}
}

// elsewhere has readers of pages that nobody has in hand.
func (s *shop) elsewhere(ctx context.Context, held *product) error {
	const enough = 5 * time.Second
	for _, p := range s.many(2) {
		w := s.read(ctx, p, len(s.at), s.at[:]...)
		late, err := w.Within(ctx, enough)
		if err != nil {
			return err
		}
		if s.blocked += late; late > 0 {
			s.note("others-blocked", "%d of %d readers of %s had no answer after %s; MySQL was silent about %s only", late, w.Size, p.sku, enough, held.sku)
		}
		w.cancel()
		if err := w.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// renewed waits until all of these pages say what is so today, at both instances.
// An instance may keep a page for itself for a moment, and then that is over.
func (s *shop) renewed(ctx context.Context, when string, all ...*product) error {
	const moment = 5 * time.Second
	began := time.Now()
	for _, p := range all {
		for _, i := range s.at {
			want := p.prices[len(p.prices)-1]
			got, err := s.price(ctx, i, p)
			for ; err == nil && got != want && time.Since(began) < moment; got, err = s.price(ctx, i, p) {
				select {
				case <-time.After(20 * time.Millisecond):
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			if err != nil {
				return err
			}
			if got != want {
				s.stale++
				s.note("stale", "%s, and %s goes on to show %s for %d, which is %d by now; %s in Redis has %s to live",
					when, i.account, p.sku, got, want, p.key(), s.redis.Client().PTTL(ctx, p.key()).Val())
			}
		}
	}
	return nil
}

// ends looks when pages that were built together will end. One that isn't in
// Redis ends with the instances.
func (s *shop) ends(ctx context.Context, all []*product) error {
	var at []time.Duration
	var ask []*goredis.DurationCmd
	_, err := s.redis.Client().Pipelined(ctx, func(pipe goredis.Pipeliner) error {
		for _, p := range all {
			ask = append(ask, pipe.PExpireTime(ctx, p.key()))
		}
		return nil
	})
	if err != nil {
		return err
	}
	missing := 0
	for n, reply := range ask {
		switch t := reply.Val(); t {
		case -1: // no end, which is another matter
		case -2:
			missing++
			s.note("herd", "%d pages that were read are not in Redis at all, as %s", missing, all[n].key())
		default:
			at = append(at, t)
		}
	}
	slices.Sort(at)
	if len(at) > 0 {
		s.note("herd", "of %d pages in Redis that have an end, the last ends %s after the first", len(at), (at[len(at)-1] - at[0]).Round(time.Second/10))
	}
	s.herd = missing + densest(at, window)
	return nil
}

// densest is how many of these times, in their order, are within one such window.
func densest(at []time.Duration, window time.Duration) (most int) {
	first := 0
	for last, t := range at {
		for t-at[first] > window {
			first++
		}
		most = max(most, last-first+1)
	}
	return most
}

// fail counts readers who got nothing good.
func (s *shop) fail(n int, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed += n
	s.noted("failed", format, args...)
}

// built notes how often a page was built for one end of it.
func (s *shop) built(p *product, times float64) {
	if times > s.builds {
		s.builds = times
		s.mu.Lock()
		delete(s.notes, "rebuilds")
		s.mu.Unlock()
		s.note("rebuilds", "MySQL was asked for the page of %s %s times", p.sku, lab.Number(times))
	}
}

func (s *shop) note(reading, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noted(reading, format, args...)
}

// noted keeps the first note of a reading.
func (s *shop) noted(reading, format string, args ...any) {
	if s.notes[reading] == "" {
		s.notes[reading] = fmt.Sprintf(format, args...)
	}
}

func (s *shop) readings(r *lab.Readings) {
	for name, text := range s.notes {
		r.Note(name, "%s", text)
	}
	r.Set("rebuilds", "of one page that had ended", s.builds)
	r.Set("herd", fmt.Sprintf("of %d pages end within the same %s", pages, window), float64(s.herd))
	r.Set("stuck", "readers", float64(s.stuck))
	r.Set("lock-lost", "builds", float64(s.lost))
	r.Set("stale", "pages", float64(s.stale))
	r.Set("others-blocked", "readers", float64(s.blocked))
	r.Set("failed", fmt.Sprintf("of %d readers", s.asked+s.failed), float64(s.failed))
	r.Set("asks", "commands for each reader who waits", s.asks)
}
