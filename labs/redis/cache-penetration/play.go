package cachepenetration

import (
	"context"
	"time"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// In a playground so many requests come each second, most of them by dead links.
const (
	perSecond = 200
	live      = 5 // of these, one in so many is for a product that is there
)

// play is an ordinary day of the shop that the seed made.
func (x *run) play(ctx context.Context, v lab.Variant) (func(context.Context) error, error) {
	d := x.newDay("shop", x.env.Seed)
	var err error
	if d.program, err = fix.Build(ctx, v, x.env.Scratch); err != nil {
		return nil, err
	}
	if err := d.connect(ctx); err != nil {
		return nil, err
	}
	for i := range d.nodes {
		if err := d.start(ctx, i); err != nil {
			d.close()
			return nil, err
		}
	}
	return func(ctx context.Context) error {
		defer d.close()
		return measure.Every(ctx, time.Second, func(ctx context.Context) error {
			var all []int64
			for n := range perSecond {
				if n%live == 0 {
					all = append(all, d.there[d.rnd.IntN(popular)].ID)
				} else {
					all = append(all, d.dead[d.rnd.IntN(len(d.dead))])
				}
			}
			before, err := d.mysql.Statements(ctx, accounts...)
			if err != nil {
				return err
			}
			err = measure.Each(ctx, all, func(ctx context.Context, i int, id int64) error {
				_, err := d.get(ctx, i%2, id)
				return err
			})
			if err != nil {
				return err
			}
			after, err := d.mysql.Statements(ctx, accounts...)
			x.env.Log("%d requests, %d statements in MySQL", len(all), after-before)
			return err
		})
	}, nil
}
