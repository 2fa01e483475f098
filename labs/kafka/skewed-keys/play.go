package skewedkeys

import (
	"context"
	"errors"
	"time"

	"faultlab/internal/fix"
	"faultlab/internal/kafka"
	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// In a playground the shops send so many events a second, for an hour.
const (
	perSecond = 200
	hour      = 3600
)

// play is the gateway that publishes them to the topic today. The big merchant
// is the one that the brief names.
func (x *run) play(ctx context.Context, v lab.Variant) (func(context.Context) error, error) {
	const today = "today"
	program, err := fix.Build(ctx, v, x.env.Scratch)
	if err != nil {
		return nil, err
	}
	if _, err := x.kafka.Ends(ctx, today); errors.Is(err, kafka.ErrNoTopic) {
		if err := x.kafka.Create(ctx, kafka.Topic{Name: today, Partitions: partitions}); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	g, err := x.serve(ctx, program, today)
	if err != nil {
		return nil, err
	}
	var events []event
	days, sent := uint64(0), 0
	return func(ctx context.Context) error {
		return measure.Every(ctx, time.Second, func(ctx context.Context) error {
			if sent++; sent > hour {
				return errors.New("the hour of events is over")
			}
			if len(events) == 0 {
				days++
				events = famousDay(days)
			}
			batch := events[:perSecond]
			events = events[perSecond:]
			return g.request(ctx, batch)
		})
	}, nil
}
