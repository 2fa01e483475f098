package oversell

import (
	"context"
	"errors"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// In a playground there are so many pieces of each product, and so many come for
// one of them each second.
const (
	pieces = 200
	atOnce = 8
)

// play is a sale in a playground, in a database of its own.
func (x *run) play(ctx context.Context, v lab.Variant) (func(context.Context) error, error) {
	s, err := x.open(ctx, v)
	if err != nil {
		return nil, err
	}
	for range s.products {
		if _, err := s.product(ctx, pieces); err != nil {
			s.close()
			return nil, err
		}
	}
	return func(ctx context.Context) error {
		defer s.close()
		return measure.Every(ctx, time.Second, func(ctx context.Context) error {
			if len(s.purchases) > len(s.products)*(pieces+tooMany) {
				return errors.New("the sale is over")
			}
			all := s.buyers(s.products[s.rnd.IntN(len(s.products))], atOnce, 1)
			all[0].twice = true // pressed the button again
			return s.send(ctx, all).Wait(ctx)
		})
	}, nil
}
