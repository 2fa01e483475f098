package resharding

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/redis"
	"faultlab/internal/rig"
)

const (
	page    = 25  // products in one request
	updated = 150 // products that change whenever the nodes have changed
)

// trial is one measurement of one program: two instances, a database of their
// own, and empty caches.
type trial struct {
	*run
	r        *lab.Readings
	database string
	program  *fix.Program
	both     [2]*fix.Service
	starts   int
	last     *rig.Proxy        // to cache-2, where it is at first
	next     *rig.Proxy        // to cache-3, where it will be
	addr     map[string]string // of all nodes
	listed   []string          // the nodes that the program knows of
	rnd      *rand.Rand
	all      []*product
	seen

	mu     sync.Mutex
	stale  int
	failed int
}

// open deploys v with the first four nodes.
func (x *run) open(ctx context.Context, v lab.Variant, r *lab.Readings) (*trial, error) {
	x.trials++
	t := &trial{
		run: x, r: r, database: fmt.Sprintf("shop_%d", x.trials), addr: map[string]string{}, listed: names[:4],
		seen: seen{lookups: math.Inf(1)},
		rnd:  rand.New(rand.NewPCG(x.env.Seed, uint64(x.trials))), all: catalogue(x.env.Seed),
	}
	var err error
	if t.program, err = fix.Build(ctx, v, x.env.Scratch); err != nil {
		return nil, err
	}
	if err := x.mysql.NewDatabase(ctx, t.database, schema, "INSERT INTO products SELECT * FROM shop.products"); err != nil {
		return nil, err
	}
	for _, c := range x.caches {
		if err := empty(ctx, c); err != nil {
			return nil, err
		}
		t.addr[c.Name()] = c.Addr()
	}
	if t.last, err = t.cache("cache-2").Proxy(ctx); err != nil {
		return nil, err
	}
	if t.next, err = t.cache("cache-3").Proxy(ctx); err != nil {
		return nil, err
	}
	t.addr["cache-2"] = t.last.Addr()
	for i := range t.both {
		if err := t.restart(ctx, i); err != nil {
			t.close()
			return nil, err
		}
	}
	return t, nil
}

// empty makes a node as it was in the beginning, also one that is dead.
func empty(ctx context.Context, c *redis.Server) error {
	state, err := c.Node().State(ctx)
	if err != nil {
		return err
	}
	if state != "running" {
		if err := c.Node().Start(ctx); err != nil {
			return err
		}
	}
	if err := c.Client().FlushAll(ctx).Err(); err != nil {
		return fmt.Errorf("empty %s: %w", c.Name(), err)
	}
	return nil
}

func (t *trial) close() {
	for _, s := range t.both {
		if s != nil {
			s.Kill()
		}
	}
}

// cache is the node of that name.
func (x *run) cache(name string) *redis.Server { return x.caches[slices.Index(names, name)] }

// list names the present nodes, in an order that is another one each time.
func (t *trial) list() string {
	var entries []string
	for _, i := range t.rnd.Perm(len(t.listed)) {
		entries = append(entries, t.listed[i]+"="+t.addr[t.listed[i]])
	}
	return strings.Join(entries, ",")
}

// restart starts an instance, after the end of the last one.
func (t *trial) restart(ctx context.Context, i int) (err error) {
	if t.both[i] != nil {
		t.both[i].Kill()
	}
	t.starts++
	t.both[i], err = t.program.Listen(ctx, fix.Options{
		Log: filepath.Join(t.env.Scratch, fmt.Sprintf("%s-%d.log", t.database, t.starts)),
		Env: map[string]string{
			"LAB_MYSQL_DSN":      t.mysql.DSNIn(account, t.database),
			"LAB_REDIS_NODES":    t.list(),
			"LAB_REDIS_USER":     redis.Learner,
			"LAB_REDIS_PASSWORD": t.caches[0].Password(redis.Learner),
		},
		Reach: t.everywhere(),
	})
	return err
}

// everywhere is all addresses that the nodes have in the course of a trial.
func (t *trial) everywhere() []string {
	list := []string{t.last.Addr(), t.next.Addr()}
	for _, c := range t.caches {
		list = append(list, c.Addr())
	}
	return list
}

// tell gives an instance the list of nodes.
func (t *trial) tell(ctx context.Context, i int) error {
	list := t.list()
	status, body, err := t.both[i].Ask(ctx, http.MethodPost, "/nodes", list)
	if err == nil && status != http.StatusNoContent {
		t.fail("POST /nodes %s: %d %.200s", list, status, body)
	}
	return err
}

// tellBoth gives it to both.
func (t *trial) tellBoth(ctx context.Context) error {
	if err := t.tell(ctx, 0); err != nil {
		return err
	}
	return t.tell(ctx, 1)
}

// tellOne gives it to the first; the second is started anew, with the same list.
func (t *trial) tellOne(ctx context.Context) error {
	if err := t.tell(ctx, 0); err != nil {
		return err
	}
	return t.restart(ctx, 1)
}

func (t *trial) fail(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed++
	t.r.Note("failed-requests", format, args...)
}

// readAll reads each product once, in no order, through the instances in turn.
func (t *trial) readAll(ctx context.Context, instances ...int) error {
	return t.readSome(ctx, len(t.all), instances...)
}

// readSome reads some products, a page at a time, through both instances if none
// is named.
func (t *trial) readSome(ctx context.Context, n int, instances ...int) error {
	if len(instances) == 0 {
		instances = []int{0, 1}
	}
	some := make([]*product, n)
	for i, which := range t.rnd.Perm(len(t.all))[:n] {
		some[i] = t.all[which]
	}
	return measure.Each(ctx, slices.Collect(slices.Chunk(some, page)), func(ctx context.Context, i int, list []*product) error {
		return t.read(ctx, instances[i%len(instances)], list...)
	})
}

// read reads products, which nobody changes meanwhile.
func (t *trial) read(ctx context.Context, instance int, list ...*product) error {
	q := url.Values{}
	for _, p := range list {
		q.Add("id", p.name())
	}
	status, body, err := t.both[instance].Ask(ctx, http.MethodGet, "/products?"+q.Encode(), "")
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		t.fail("with the nodes %s, GET /products was answered %d %.200s", t.nodes(), status, body)
		return nil
	}
	var found map[string]json.RawMessage
	_ = json.Unmarshal([]byte(body), &found) // what is no JSON has no product in it
	for _, p := range list {
		t.compare(p, string(found[p.name()]))
	}
	return nil
}

// compare holds an answer against what was put last.
func (t *trial) compare(p *product, got string) {
	if got == p.body(p.version) {
		return
	}
	for version := range p.version {
		if got == p.body(version) {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.stale++
			t.r.Note("stale-answers", "with the nodes %s, product %d was shown as it was after %d of the %d PUTs that were answered", t.nodes(), p.id, version, p.version)
			return
		}
	}
	t.fail("with the nodes %s, product %d was answered with %.120q", t.nodes(), p.id, got)
}

// nodes are those that the program knows of.
func (t *trial) nodes() string { return strings.Join(t.listed, ", ") }

// update changes some products, always the same, through one instance each, and
// reads them through the other.
func (t *trial) update(ctx context.Context) error {
	return measure.Each(ctx, t.all[:updated], func(ctx context.Context, i int, p *product) error {
		writer := i % 2
		path := "/products/" + p.name()
		status, body, err := t.both[writer].Ask(ctx, http.MethodPut, path, p.body(p.version+1))
		if err != nil {
			return err
		}
		if p.version++; status != http.StatusNoContent {
			t.fail("PUT %s: %d %.200s", path, status, body)
		}
		return t.read(ctx, 1-writer, p)
	})
}
