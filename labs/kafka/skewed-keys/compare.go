package skewedkeys

import (
	"bytes"
	"context"
	"encoding/json"

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
				continue
			}
			count[e]++
			at, seen := orders[e.Order]
			if seen && at.partition != p || e.Seq != at.seq+1 {
				broken[e.Order] = true
			}
			orders[e.Order] = order{p, e.Seq}
			if places[e.Merchant] == nil {
				places[e.Merchant] = map[int]bool{}
			}
			places[e.Merchant][p] = true
		}
	}
	lost, split := 0, 0
	for _, n := range count {
		if n == 0 {
			lost++
		}
	}
	for merchant, at := range places {
		if d.normal(merchant) && len(at) > 1 {
			split++
		}
	}
	r.Set("big-merchant-partitions", "of 16", float64(min(len(places[d.big[0]]), len(places[d.big[1]]))))
	r.Set("orders-out-of-order", "orders", float64(len(broken)))
	r.Set("merchants-split", "merchants", float64(split))
	r.Set("lost", "events", float64(lost))
	r.Set("doubled", "records", float64(extra))
	return nil
}
