package measure

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Each calls f for all of list, eight at a time and about in that order, until
// one of the calls has an error.
func Each[T any](ctx context.Context, list []T, f func(ctx context.Context, i int, x T) error) error {
	const workers = 8
	g, ctx := errgroup.WithContext(ctx)
	for w := range workers {
		g.Go(func() error {
			for i := w; i < len(list); i += workers {
				if err := f(ctx, i, list[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}
