package resharding

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// seen is what the servers have counted.
type seen struct {
	added, left, returned float64 // rows that MySQL gave after a change, in percent of the products
	unchanged             float64 // the same where nothing had changed
	moved                 float64 // keys that nodes got by a change, in percent of the products
	perProduct            float64 // keys when all was in the cache for the first time
	busiest               float64 // lookups of a node by the mean of all
	uneven                string  // the shares then
	commands              float64 // for each product that was read where nothing had changed
	lookups               float64 // keys that were looked up by them
}

// counted is what the servers that the program knows of have counted so far.
type counted struct {
	rows     int
	commands int
	lookups  []int // of keys, by node
}

func (t *trial) count(ctx context.Context) (c counted, err error) {
	status, err := t.mysql.Account(ctx, account)
	if err != nil {
		return c, err
	}
	c.rows = int(status.Reads())
	for _, name := range t.listed {
		n, err := t.cache(name).Counters(ctx)
		if err != nil {
			return c, err
		}
		in, err := t.cache(name).Info(ctx, "stats")
		if err != nil {
			return c, err
		}
		c.commands += int(n.Work())
		c.lookups = append(c.lookups, int(in.Int("keyspace_hits")+in.Int("keyspace_misses")))
	}
	return c, nil
}

// since is what was counted after b was read, with the same nodes.
func (c counted) since(b counted) counted {
	d := counted{rows: c.rows - b.rows, commands: c.commands - b.commands}
	for i := range c.lookups {
		d.lookups = append(d.lookups, c.lookups[i]-b.lookups[i])
	}
	return d
}

// change has the instances learn of other nodes, reads all products, and returns how
// many rows MySQL gave for that, in percent of the products. They are for a reading.
func (t *trial) change(ctx context.Context, reading string, learn func(context.Context) error, listed ...string) (rows float64, err error) {
	was := t.nodes()
	t.listed = listed
	had, err := t.keys(ctx)
	if err != nil {
		return 0, err
	}
	d, err := t.during(ctx, func() error {
		if err := learn(ctx); err != nil {
			return err
		}
		return t.readAll(ctx)
	})
	if err != nil {
		return 0, err
	}
	have, err := t.keys(ctx)
	if err != nil {
		return 0, err
	}
	got := 0
	for name := range have {
		for key := range have[name] {
			if !had[name][key] {
				got++
			}
		}
	}
	seen := fmt.Sprintf("when the nodes changed from %s to %s, MySQL gave %d rows for %d products, and nodes got %d keys that they had not had",
		was, t.nodes(), d.rows, products, got)
	t.env.Log("%s", seen)
	if percent(d.rows) > fair {
		t.r.Note(reading, "%s", seen)
	}
	if percent(got) > fair {
		t.r.Note("keys-moved", "%s", seen)
	}
	t.moved = max(t.moved, percent(got))
	return percent(d.rows), nil
}

// same reads all products where nothing has changed but what it is told.
func (t *trial) same(ctx context.Context, what string, instances ...int) error {
	d, err := t.during(ctx, func() error { return t.readAll(ctx, instances...) })
	if err != nil {
		return err
	}
	t.weigh(d)
	if d.rows > 0 {
		t.r.Note("rows-same", "%s: MySQL gave %d rows for %d products", what, d.rows, products)
	}
	t.unchanged = max(t.unchanged, percent(d.rows))
	t.commands = max(t.commands, float64(d.commands)/products)
	t.lookups = min(t.lookups, float64(sum(d.lookups))/products)
	return nil
}

// during is what the servers count while f runs.
func (t *trial) during(ctx context.Context, f func() error) (counted, error) {
	before, err := t.count(ctx)
	if err != nil {
		return counted{}, err
	}
	if err := f(); err != nil {
		return counted{}, err
	}
	after, err := t.count(ctx)
	if err != nil {
		return counted{}, err
	}
	return after.since(before), nil
}

// weigh looks how evenly the nodes were asked for products.
func (t *trial) weigh(d counted) {
	all := float64(max(1, sum(d.lookups)))
	x := float64(slices.Max(d.lookups)) * float64(len(d.lookups)) / all
	if x <= t.busiest {
		return
	}
	t.busiest = x
	var parts []string
	for i, name := range t.listed {
		parts = append(parts, fmt.Sprintf("%s %.0f %%", name, 100*float64(d.lookups[i])/all))
	}
	t.uneven = strings.Join(parts, ", ")
}

// keys are those of each node that the program knows of.
func (t *trial) keys(ctx context.Context) (map[string]map[string]bool, error) {
	all := map[string]map[string]bool{}
	for _, name := range t.listed {
		all[name] = map[string]bool{}
		err := t.cache(name).Scan(ctx, "*", func(keys []string) error {
			for _, k := range keys {
				all[name][k] = true
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// copies counts the keys on all nodes when everything was read once.
func (t *trial) copies(ctx context.Context) error {
	all, err := t.keys(ctx)
	if err != nil {
		return err
	}
	n := 0
	for keys := range maps.Values(all) {
		n += len(keys)
	}
	t.perProduct = float64(n) / products
	return nil
}

func sum(list []int) (n int) {
	for _, x := range list {
		n += x
	}
	return n
}

func percent(n int) float64 { return 100 * float64(n) / products }

// report sets the readings.
func (t *trial) report() {
	share := "% of the products"
	t.r.Set("rows-added", share, round(t.added))
	t.r.Set("rows-left", share, round(t.left))
	t.r.Set("rows-returned", share, round(t.returned))
	t.r.Set("keys-moved", share, round(t.moved))
	t.r.Set("rows-same", share, round(t.unchanged))
	t.r.Set("stale-answers", "answers", float64(t.stale))
	t.r.Set("busiest-node", "× its share", round(t.busiest))
	t.r.Note("busiest-node", "of all lookups, %s", t.uneven)
	t.r.Set("commands-per-read", "commands", round(t.commands))
	t.r.Set("lookups-per-read", "keys", round(t.lookups))
	t.r.Set("keys-per-product", "keys", round(t.perProduct))
	t.r.Set("failed-requests", "requests", float64(t.failed))
}

func round(x float64) float64 { return math.Round(100*x) / 100 }
