package skewedkeys

import (
	"context"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// perSecond is how many new cards, and reads, the program gets in a playground:
// with the first one start/ is soon full.
const perSecond = 400

// play is a day of the program in a playground: it meets the cards where start/
// has them, moves them, and gets new ones.
func (s *stage) play(ctx context.Context, v lab.Variant) (func(context.Context) error, error) {
	if err := s.reset(ctx); err != nil {
		return nil, err
	}
	t, err := s.trial(ctx, v, nil)
	if err != nil {
		return nil, err
	}
	if t.one, err = t.serve(ctx); err != nil {
		return nil, err
	}
	next := 0
	return func(ctx context.Context) error {
		return measure.Every(ctx, time.Second, func(ctx context.Context) error {
			t.refused = 0
			var arriving []article
			for i := range perSecond {
				arriving = append(arriving, s.stock.added[(next+i)%len(s.stock.added)])
			}
			err := measure.Each(ctx, arriving, func(ctx context.Context, i int, a article) error {
				if _, err := t.one.card(ctx, t.at(next+i)); err != nil {
					return err
				}
				return t.put(ctx, t.one, a, 0)
			})
			next += perSecond
			if t.refused > 0 {
				s.env.Log("of %d new cards %d were refused", perSecond, t.refused)
			}
			return err
		})
	}, nil
}
