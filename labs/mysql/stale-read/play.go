package staleread

import (
	"context"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// play is a bad day that does not end, in a playground: each second an app
// writes, and reads while the replica has not got that far. The log has who was
// shown what was there before.
func (x *run) play(ctx context.Context, v lab.Variant) (func(context.Context) error, error) {
	d, err := x.open(ctx, v)
	if err != nil {
		return nil, err
	}
	var apps []*session
	for range knownUsers {
		apps = append(apps, d.session())
	}
	n := 0
	return func(ctx context.Context) error {
		defer d.way.Close()
		defer d.close()
		return measure.Every(ctx, time.Second, func(ctx context.Context) error {
			s := apps[n%len(apps)]
			n++
			release, err := d.hold(ctx)
			if err != nil {
				return err
			}
			defer release()
			if err := d.write(ctx, s); err != nil {
				return err
			}
			stale := d.stale
			if err := d.readTwice(ctx, s); err != nil {
				return err
			}
			if d.stale > stale {
				d.env.Log("user %d had %s and was shown what was there before", s.user, s.did)
			}
			return nil
		})
	}, nil
}
