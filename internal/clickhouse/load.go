package clickhouse

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Load inserts rows 0 to n-1 into a table by native blocks of the given size,
// two at a time. fill makes the columns of rows from to to-1, in the order of
// columns: slices of what the driver takes for each column's type.
func (s *Server) Load(ctx context.Context, table, columns string, n, block int, fill func(from, to int) []any) error {
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range 2 {
		g.Go(func() error {
			for {
				from := int(next.Add(int64(block))) - block
				if from >= n {
					return nil
				}
				if err := s.insert(ctx, table, columns, fill(from, min(from+block, n))); err != nil {
					return fmt.Errorf("load %s from row %d: %w", table, from, err)
				}
			}
		})
	}
	return g.Wait()
}

func (s *Server) insert(ctx context.Context, table, columns string, block []any) error {
	batch, err := s.Admin().PrepareBatch(ctx, fmt.Sprintf("INSERT INTO %s (%s)", table, columns))
	if err != nil {
		return err
	}
	defer batch.Close()
	for i, column := range block {
		if err := batch.Column(i).Append(column); err != nil {
			return err
		}
	}
	return batch.Send()
}
