package blocking

import (
	"context"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// play is a day of the shop in a playground, where lists and exports are wanted
// each second, and last year's mailing is dropped once.
func (s *stage) play(ctx context.Context, v lab.Variant) (func(context.Context) error, error) {
	if err := s.reset(ctx); err != nil {
		return nil, err
	}
	t, err := s.trial(ctx, v, &lab.Readings{})
	if err != nil {
		return nil, err
	}
	if err := t.open(ctx); err != nil {
		return nil, err
	}
	dropped := false
	return func(ctx context.Context) error {
		return measure.Every(ctx, time.Second, func(ctx context.Context) error {
			shop := s.seed.shops[t.rnd.IntN(shops)]
			if err := t.putIntoCart(ctx, t.one, shop, t.newcomer()); err != nil {
				return err
			}
			if err := t.listCarts(ctx, t.two, shop); err != nil {
				return err
			}
			if err := t.exportPoints(ctx, t.one, s.seed.shops[0]); err != nil || dropped {
				return err
			}
			dropped = true
			return t.two.dropMailing(ctx, s.seed.mailings[0])
		})
	}, nil
}
