package resharding

import (
	"context"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// In a playground so many products are read a second, and after so many seconds a
// node is added or taken out again.
const (
	perSecond = 500
	holds     = 20
)

// play is the service in a playground: all is in the cache, and now and then the
// number of nodes changes.
func (x *run) play(ctx context.Context, v lab.Variant) (func(context.Context) error, error) {
	t, err := x.open(ctx, v, &lab.Readings{})
	if err != nil {
		return nil, err
	}
	if err := t.warm(ctx); err != nil {
		t.close()
		return nil, err
	}
	second := 0
	return func(ctx context.Context) error {
		defer t.close()
		return measure.Every(ctx, time.Second, func(ctx context.Context) error {
			if second++; second%holds == 0 {
				t.listed = names[:9-len(t.listed)]
				x.env.Log("the nodes are %s", t.nodes())
				if err := t.tellBoth(ctx); err != nil {
					return err
				}
			}
			return t.readSome(ctx, perSecond)
		})
	}, nil
}
