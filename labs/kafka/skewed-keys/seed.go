package skewedkeys

import (
	"context"
	"fmt"

	"faultlab/internal/kafka"
	"faultlab/internal/lab"
)

// seed leaves yesterday in the topic that the learner explores: a day of the
// gateway as it is, with the merchant that the brief names.
func (x *run) seed(ctx context.Context) error {
	if err := x.kafka.Create(ctx, kafka.Topic{Name: "orders", Partitions: partitions}); err != nil {
		return err
	}
	return x.kafka.Write(ctx, "orders", func(yield func(kafka.Record) bool) {
		for _, e := range famousDay(0) {
			if !yield(kafka.Record{Partition: kafka.ByKey, Key: []byte(e.Merchant), Value: e.json()}) {
				return
			}
		}
	})
}

// famousDay is the n-th day on which the merchant of the brief is the big one.
func famousDay(n uint64) []event {
	d := newDay(n, famous)
	for i := range d.events {
		if e := &d.events[i]; !d.normal(e.Merchant) {
			e.Merchant = famous
		}
	}
	return d.events
}

// fingerprint is how many records each partition has.
func (x *run) fingerprint(ctx context.Context) (lab.Fingerprint, error) {
	ends, err := x.kafka.Ends(ctx, "orders")
	return lab.Fingerprint{"orders.ends": fmt.Sprint(ends)}, err
}
