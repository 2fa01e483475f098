package consumerlag

import (
	"context"
	"errors"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// In a playground the shop takes so many orders a second, which is more than
// start/ writes, for half an hour.
const (
	perSecond = 1_500
	rush      = 1800 * perSecond
)

// play is the writer on the topic, the group and the table of the story, while
// orders come in.
func (x *run) play(ctx context.Context, v lab.Variant) (func(context.Context) error, error) {
	s, err := x.prepare(ctx, v, "orders", "order-writer", "shop")
	if err != nil {
		return nil, err
	}
	if err := x.kafka.Evict(ctx, s.group); err != nil { // of the writer before
		return nil, err
	}
	if err := s.launch(ctx, x.kafka.Bootstrap()); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		return measure.Every(ctx, time.Second, func(ctx context.Context) error {
			if s.produced >= rush {
				return errors.New("the half hour of orders is over")
			}
			if err := s.process.Ended(); err != nil {
				return err
			}
			return s.produce(ctx, perSecond)
		})
	}, nil
}
