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
	d := newDay(0, famous)
	return x.kafka.Write(ctx, "orders", func(yield func(kafka.Record) bool) {
		for _, e := range d.events {
			if !d.normal(e.Merchant) {
				e.Merchant = famous
			}
			if !yield(kafka.Record{Partition: kafka.ByKey, Key: []byte(e.Merchant), Value: e.json()}) {
				return
			}
		}
	})
}

// fingerprint is how many records each partition has.
func (x *run) fingerprint(ctx context.Context) (lab.Fingerprint, error) {
	ends, err := x.kafka.Ends(ctx, "orders")
	return lab.Fingerprint{"orders.ends": fmt.Sprint(ends)}, err
}
