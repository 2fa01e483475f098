package cachestampede

import (
	"context"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// In a playground pages may be so old, and so many come for the same one at once.
const (
	age   = 10 * time.Second
	crowd = 50
)

// play has the shop open in a playground.
func (x *run) play(ctx context.Context, v lab.Variant) (func(context.Context) error, error) {
	s, err := x.open(ctx, v, age)
	if err != nil {
		return nil, err
	}
	hot := s.next()
	x.env.Log("everybody reads the page of %s", hot.sku)
	return func(ctx context.Context) error {
		defer s.close()
		return measure.Every(ctx, time.Second/4, func(ctx context.Context) error {
			for _, w := range []*wave{s.read(ctx, hot, crowd, s.at[:]...), s.read(ctx, s.fresh[s.rnd.IntN(len(s.fresh))], 2, s.at[:]...)} {
				if err := w.Wait(ctx); err != nil {
					return err
				}
				w.cancel()
			}
			return nil
		})
	}, nil
}
