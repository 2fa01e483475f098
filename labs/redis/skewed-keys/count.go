package skewedkeys

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"faultlab/internal/measure"
	"faultlab/internal/redis"
)

// count reads cards and counts at the nodes what that takes.
func (t *trial) count(ctx context.Context) error {
	m := t.stock.rand("reads", 0)
	sample := make([]article, popular)
	for i := range sample {
		sample[i] = t.at(m.IntN(len(t.perm)))
	}
	sample = slices.Repeat(sample, times)
	begin, err := t.counters(ctx)
	if err != nil {
		return err
	}
	err = measure.Each(ctx, sample, func(ctx context.Context, i int, a article) error { return t.check(ctx, t.either(i), a) })
	if err != nil {
		return err
	}
	middle, err := t.counters(ctx)
	if err != nil {
		return err
	}
	err = measure.Each(ctx, t.handfuls(m.Perm(len(t.stock.there) / handful)[:picks]), func(ctx context.Context, i int, list []article) error {
		n, err := t.miss(ctx, t.either(i), list, "wrong-answers")
		t.mu.Lock()
		defer t.mu.Unlock()
		t.wrong += n
		return err
	})
	if err != nil {
		return err
	}
	end, err := t.counters(ctx)
	if err != nil {
		return err
	}
	var single, several, sent int64
	var work []int64
	for i := range begin {
		one, more := middle[i].Since(begin[i]), end[i].Since(middle[i])
		single, several, sent = single+one.Work(), several+more.Work(), sent+one.Sent
		work = append(work, one.Work()+more.Work())
		t.env.Log("%s: %v", t.cluster.Primaries()[i].Name(), one)
	}
	t.r.Set("commands-per-read", "commands", ratio(single, popular*times))
	t.r.Set("commands-per-picked-card", "commands", ratio(several, picks*handful))
	t.r.Set("reply-bytes-per-read", "bytes", math.Round(ratio(sent, popular*times)))
	t.r.Note("busiest-node", "of the commands, %s", t.shares(work))
	t.r.Set("busiest-node", "× its share", skew(work))
	return nil
}

// compare ends both instances, starts a new one and reads all cards through it.
func (t *trial) compare(ctx context.Context) error {
	t.one.Kill()
	t.two.Kill()
	s, err := t.servesAll(ctx)
	if err != nil {
		return err
	}
	defer s.Kill()
	var lost int
	var mu sync.Mutex
	all := slices.Concat(t.stock.there, t.stock.added)
	err = measure.Each(ctx, pages(all), func(ctx context.Context, _ int, list []article) error {
		n, err := t.miss(ctx, s, list, "lost-cards")
		mu.Lock()
		defer mu.Unlock()
		lost += n
		return err
	})
	t.r.Set("lost-cards", "cards", float64(lost))
	return err
}

// weigh reads what the cards take at the nodes.
func (t *trial) weigh(ctx context.Context) error {
	bytes, err := t.bytes(ctx)
	if err != nil {
		return err
	}
	var key string
	var biggest int64
	slots := make([]int64, redis.Slots)
	err = t.cluster.Sizes(ctx, func(k string, n int64) {
		slots[redis.Slot(k)] += n
		if n > biggest {
			key, biggest = k, n
		}
	})
	if err != nil {
		return err
	}
	end, err := t.counters(ctx)
	if err != nil {
		return err
	}
	var cross int64
	for i := range end {
		cross += end[i].Since(t.begin[i]).Errors["CROSSSLOT"]
	}
	cards := int64(len(t.stock.there) + len(t.stock.added) - len(t.unsure))
	slot := slices.Index(slots, slices.Max(slots))
	t.r.Note("fullest-node", "of the data, %s", t.shares(bytes))
	t.r.Note("biggest-key", "it is %.80q", key)
	t.r.Note("biggest-slot", "it is slot %d; the biggest key, %.80q, is in slot %d", slot, key, redis.Slot(key))
	t.r.Set("fullest-node", "× its share", skew(bytes))
	t.r.Set("memory-per-card", "bytes", math.Round(ratio(sum(bytes), cards)))
	t.r.Set("biggest-key", "bytes", float64(biggest))
	t.r.Set("biggest-slot", "bytes", float64(slices.Max(slots)))
	t.r.Set("crossslot-errors", "errors", float64(cross))
	return nil
}

// handfuls are the given tenths of the stock: some cards of one store each.
func (t *trial) handfuls(which []int) [][]article {
	var list [][]article
	for _, i := range which {
		list = append(list, t.stock.there[i*handful:(i+1)*handful])
	}
	return list
}

// pages cuts all into lists of at most page cards of one store.
func pages(all []article) [][]article {
	var list [][]article
	for from := 0; from < len(all); {
		to := from
		for to < len(all) && to < from+page && all[to].store == all[from].store {
			to++
		}
		list = append(list, all[from:to])
		from = to
	}
	return list
}

func (t *trial) bytes(ctx context.Context) ([]int64, error) {
	var list []int64
	for _, n := range t.cluster.Primaries() {
		b, err := n.DataBytes(ctx)
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, nil
}

func (t *trial) counters(ctx context.Context) ([]redis.Counters, error) {
	var list []redis.Counters
	for _, n := range t.cluster.Primaries() {
		c, err := n.Counters(ctx)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// shares says which part of a whole each node has.
func (t *trial) shares(list []int64) string {
	var parts []string
	for i, n := range t.cluster.Primaries() {
		parts = append(parts, fmt.Sprintf("%s has %.0f %%", n.Name(), 100*ratio(list[i], sum(list))))
	}
	return strings.Join(parts, ", ")
}

// skew is the largest of list by their mean: 1 is even, len(list) is all in one.
func skew(list []int64) float64 {
	return math.Round(100*ratio(slices.Max(list)*int64(len(list)), sum(list))) / 100
}

func sum(list []int64) (n int64) {
	for _, x := range list {
		n += x
	}
	return n
}

func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return math.Round(100*float64(a)/float64(b)) / 100
}
