package skewedkeys

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"faultlab/internal/lab"
)

// compare reads the whole topic back and holds it against the day.
func (x *run) compare(ctx context.Context, topic string, d *day, r *lab.Readings) error {
	ends, err := x.ends(ctx, topic)
	if err != nil {
		return err
	}
	type order struct{ partition, seq int }
	var (
		count  = map[event]int{}           // every event and how often it was found
		orders = map[int]order{}           // where each order is and how far it has come
		broken = map[int]bool{}            // orders out of order
		places = map[string]map[int]bool{} // partitions of each merchant
		extra  int                         // records that are no event of the day, or one again
	)
	for _, e := range d.events {
		count[e] = 0
	}
	for p, end := range ends {
		for rec, err := range x.kafka.Read(ctx, topic, p, 0, end) {
			if err != nil {
				return err
			}
			var e event
			if json.Unmarshal(rec.Value, &e) != nil || !bytes.Equal(bytes.TrimSpace(rec.Value), e.json()) {
				extra++
				continue
			}
			n, known := count[e]
			if !known || n > 0 {
				extra++
				r.Note("doubled", "event %d of order %d is in partition %d at offset %d, and was there before or never sent", e.Seq, e.Order, p, rec.Offset)
				continue
			}
			count[e]++
			at, seen := orders[e.Order]
			if seen && at.partition != p || e.Seq != at.seq+1 {
				broken[e.Order] = true
				r.Note("orders-out-of-order", "event %d of order %d is in partition %d; before it came event %d, in partition %d", e.Seq, e.Order, p, at.seq, at.partition)
			}
			orders[e.Order] = order{p, e.Seq}
			if places[e.Merchant] == nil {
				places[e.Merchant] = map[int]bool{}
			}
			places[e.Merchant][p] = true
		}
	}
	lost, split := 0, 0
	for e, n := range count {
		if n == 0 {
			lost++
			r.Note("lost", "event %d of order %d of merchant %s is in no partition", e.Seq, e.Order, e.Merchant)
		}
	}
	for merchant, at := range places {
		if d.normal(merchant) && len(at) > 1 {
			split++
			r.Note("merchants-split", "merchant %s is on partitions %v", merchant, slices.Sorted(maps.Keys(at)))
		}
	}
	r.Set("big-merchant-partitions", "of 16", float64(min(len(places[d.big[0]]), len(places[d.big[1]]))))
	r.Set("orders-out-of-order", "orders", float64(len(broken)))
	r.Set("merchants-split", "merchants", float64(split))
	r.Set("lost", "events", float64(lost))
	r.Set("doubled", "records", float64(extra))
	return nil
}
