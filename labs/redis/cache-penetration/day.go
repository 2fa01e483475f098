package cachepenetration

import (
	"context"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/mysql"
	"faultlab/internal/rig"
)

//go:embed schema.sql
var schema string

// How many there are of what is asked for.
const (
	products = 3000 // in the table at the start
	popular  = 100  // of these, asked for all the time
	dead     = 80   // that are nowhere and asked for all the time
)

// day is two instances of the variant, and what they were asked.
type day struct {
	*run
	database string
	program  *fix.Program
	nodes    [2]*node
	starts   int

	rnd   *rand.Rand
	used  map[int64]bool
	there []product // in the table from the start
	dead  []int64   // ids that are nowhere, and that everybody has links to
	next  int       // of there: the next that nobody has asked for
	mu    sync.Mutex
	born  []product // created through an instance, and answered
	wrong map[string]int
	notes map[string]string

	empty       int64 // bytes of an empty Redis
	most        int64 // bytes of Redis, the most that was seen
	penetration float64
	missRatio   float64
	scanned     float64
	commands    float64
	left        float64 // bytes for each id
}

// node is an instance and its ways to the servers.
type node struct {
	*fix.Service
	mysql, redis *rig.Proxy
	killed       atomic.Bool
}

// product is what the service tells of one.
type product struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Cents int64  `json:"cents"`
}

// open makes a database and empties Redis; nothing has been started yet.
func (x *run) open(ctx context.Context, v lab.Variant) (*day, error) {
	x.days++
	d := x.newDay(fmt.Sprintf("shop_%d", x.days), x.env.Seed+uint64(x.days))
	var err error
	if d.program, err = fix.Build(ctx, v, x.env.Scratch); err != nil {
		return nil, err
	}
	if err := x.create(ctx, d.database, d.there); err != nil {
		return nil, err
	}
	return d, d.connect(ctx)
}

// newDay makes up the products of a database.
func (x *run) newDay(database string, seed uint64) *day {
	d := &day{
		run: x, database: database, rnd: rand.New(rand.NewPCG(seed, 7)),
		used: map[int64]bool{}, wrong: map[string]int{}, notes: map[string]string{},
	}
	for range products {
		d.there = append(d.there, d.product(d.id()))
	}
	for range dead {
		d.dead = append(d.dead, d.id())
	}
	d.next = popular
	return d
}

// connect empties Redis and makes the ways to the servers.
func (d *day) connect(ctx context.Context) error {
	if err := d.redis.Client().FlushAll(ctx).Err(); err != nil {
		return fmt.Errorf("empty redis: %w", err)
	}
	var err error
	if d.empty, err = d.memory(ctx); err != nil {
		return err
	}
	for i := range d.nodes {
		n := &node{}
		if n.mysql, err = d.mysql.Proxy(ctx); err != nil {
			return err
		}
		if n.redis, err = d.redis.Proxy(ctx); err != nil {
			return err
		}
		d.nodes[i] = n
	}
	return nil
}

// Ids have nine digits. Those at the edges nobody has at first.
const (
	lowest, highest = 110_000_000, 989_999_999
	edge            = 10_000_000
)

// id is one that nobody has thought of before.
func (d *day) id() int64 {
	for {
		id := lowest + d.rnd.Int64N(highest-lowest+1)
		if !d.used[id] {
			d.used[id] = true
			return id
		}
	}
}

var words = strings.Fields("blue red small large folding winter garden kitchen travel desk lamp chair kettle radio bottle blanket ladder clock")

// product makes up a product.
func (d *day) product(id int64) product {
	word := func() string { return words[d.rnd.IntN(len(words))] }
	return product{ID: id, Name: fmt.Sprintf("%s %s, no. %d", word(), word(), d.rnd.IntN(10_000)), Cents: 100 + d.rnd.Int64N(90_000)}
}

// unasked is a product that is there and that nobody has asked for yet.
func (d *day) unasked() product {
	d.next++
	return d.there[d.next-1]
}

// revive takes one of the dead ids: from now on there may be such a product.
func (d *day) revive() product {
	id := d.dead[0]
	d.dead = d.dead[1:]
	return d.product(id)
}

// create makes a database with the products.
func (x *run) create(ctx context.Context, database string, all []product) error {
	if err := x.mysql.NewDatabase(ctx, database, schema); err != nil {
		return err
	}
	_, err := x.mysql.Load(ctx, database+".products", "id, name, cents", func(rows *mysql.Rows) {
		for _, p := range all {
			rows.Add(p.ID, p.Name, p.Cents)
		}
	})
	return err
}

func (d *day) close() {
	for _, n := range d.nodes {
		if n != nil && n.Service != nil {
			n.Kill()
		}
	}
}

// options are what an instance is started with.
func (d *day) options(i int) fix.Options {
	d.starts++
	n := d.nodes[i]
	env := d.redis.Env(n.redis)
	env["LAB_MYSQL_DSN"] = d.mysql.DSNThrough(n.mysql, accounts[i], d.database)
	return fix.Options{
		Log: filepath.Join(d.env.Scratch, fmt.Sprintf("%s-%d-%d.log", d.database, i+1, d.starts)),
		Env: env,
	}
}

// start starts an instance and waits until it listens.
func (d *day) start(ctx context.Context, i int) error {
	s, err := d.program.Listen(ctx, d.options(i))
	d.nodes[i].Service = s
	d.nodes[i].killed.Store(false)
	return err
}

// kill ends an instance as a dying machine does: what it has said last, and was
// kept from the servers, is never heard.
func (d *day) kill(ctx context.Context, i int) error {
	n := d.nodes[i]
	n.killed.Store(true)
	n.Kill()
	for _, way := range []*rig.Proxy{n.mysql, n.redis} {
		way.Reset()
		way.Before(nil)
		way.Heal()
	}
	return d.mysql.Drop(ctx, accounts[i])
}

// restart kills an instance and starts it anew.
func (d *day) restart(ctx context.Context, i int) error {
	if err := d.kill(ctx, i); err != nil {
		return err
	}
	return d.start(ctx, i)
}

// memory is the memory that Redis uses.
func (d *day) memory(ctx context.Context) (int64, error) {
	in, err := d.redis.Info(ctx, "memory")
	return in.Int("used_memory"), err
}

// weigh notes how much memory Redis uses now.
func (d *day) weigh(ctx context.Context) error {
	now, err := d.memory(ctx)
	d.most = max(d.most, now)
	return err
}

// inTable says whether a product is in MySQL.
func (d *day) inTable(ctx context.Context, id int64) (there bool, err error) {
	err = d.mysql.Admin().QueryRowContext(ctx, "SELECT COUNT(*) FROM "+d.database+".products WHERE id = ?", id).Scan(&there)
	return there, d.theirs(err)
}
