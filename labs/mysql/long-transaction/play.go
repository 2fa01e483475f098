package longtransaction

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// play is an evening that does not end, in a playground: a hundred orders a
// second, and one report after the other. A page takes ten seconds; every other
// report finds no paper at its second.
func (x *run) play(ctx context.Context, v lab.Variant) (func(context.Context) error, error) {
	e, err := x.open(ctx, v)
	if err != nil {
		return nil, err
	}
	e.way.Before(nil)
	x.env.Log("the evening's tables are in the database %s", e.database)
	return func(ctx context.Context) error {
		defer e.close()
		all, ctx := errgroup.WithContext(ctx)
		all.Go(func() error {
			return measure.Every(ctx, 200*time.Millisecond, func(ctx context.Context) error { return e.deliver(ctx, 20) })
		})
		all.Go(func() error {
			reports := 0
			return measure.Every(ctx, 5*time.Second, func(ctx context.Context) error {
				reports++
				printed, err := e.report(ctx, func(nth int) (int, error) {
					const page = 10 * time.Second
					select {
					case <-time.After(page):
					case <-ctx.Done():
					}
					if reports%2 == 0 && nth == 2 {
						return http.StatusServiceUnavailable, nil
					}
					return http.StatusOK, nil
				})
				x.env.Log("%s: printed: %t", e.name, printed)
				return err
			})
		})
		return all.Wait()
	}, nil
}
