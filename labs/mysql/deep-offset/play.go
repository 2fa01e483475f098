package deepoffset

import (
	"context"
	"fmt"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// play is the shop's day in a playground: each second an order arrives, support
// jumps somewhere, and a partner follows a few links from there.
func (s *shop) play(ctx context.Context, v lab.Variant) (func(context.Context) error, error) {
	t, err := s.serve(ctx, v, nil)
	if err != nil {
		t.close()
		return nil, err
	}
	return func(ctx context.Context) error {
		defer t.close()
		return measure.Every(ctx, time.Second, func(ctx context.Context) error {
			// Cut off halfway it would leave us with another list than the table's.
			if err := t.place(context.WithoutCancel(ctx), t.latest()); err != nil {
				return err
			}
			path := fmt.Sprintf("/orders?page=%d", 1+t.rnd.IntN(t.pages()))
			for range 4 {
				page, _, err := t.ask(ctx, path)
				if err != nil || page == nil || page.Next == "" {
					return err
				}
				path = page.Next
			}
			return nil
		})
	}, nil
}
