package streamorders

import (
	"context"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// In a playground so many customers pay each second; of every so many seconds the
// card company is closed for one, and in another one a shop is killed.
const (
	perSecond = 3
	hiccup    = 5
)

// play is an ordinary day in a playground.
func (x *run) play(ctx context.Context, v lab.Variant) (func(context.Context) error, error) {
	t, err := x.open(ctx, v)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		defer t.close()
		second := 0
		return measure.Every(ctx, time.Second, func(ctx context.Context) error {
			second++
			t.company.serves(second%hiccup != 0)
			if second%hiccup == 1 && second > 1 {
				if err := t.kill(ctx, t.rnd.IntN(2)); err != nil {
					return err
				}
				if err := t.startDead(ctx); err != nil {
					return err
				}
			}
			var said []*callback
			for range perSecond {
				o, err := t.order(ctx)
				if err != nil {
					return err
				}
				said = append(said, o.says(paid))
			}
			twice := *said[0] // said to both shops
			twice.listed = true
			return t.sendAll(ctx, append(said, &twice))
		})
	}, nil
}
