package staleread

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/rig"
)

//go:embed schema.sql
var schema string

// patience is how long an app waits for an answer. What is right takes
// milliseconds, or as long as the router waits for its replica.
// Once there was none, others are not waited for that long.
const (
	patience = 10 * time.Second
	hurry    = 2 * time.Second
)

// day is two instances of the router between an app and two servers.
type day struct {
	*run
	database string
	routers  [2]*fix.Service
	way      *rig.Proxy // to the replica
	requests int

	rnd   *rand.Rand
	users int

	reads, stale, unanswered         int
	well, byReplica                  int // reads while the replica was healthy, and those that it served
	staleAt, unansweredAt, elsewhere string
}

// order is one as the router lists it.
type order struct {
	ID     int64  `json:"order"`
	Item   string `json:"item"`
	Status string `json:"status"`
}

// session is an app on somebody's phone.
type session struct {
	user   int
	token  string  // the last one that it was given
	orders []order // what it must be shown
	writes int
	did    string // last
}

// stock is what every user has bought before.
var stock = []string{"kettle", "lamp", "radio", "chair"}

const firstUser, knownUsers = 1000, 60

// create makes a database with orders of every user.
func (x *run) create(ctx context.Context, database string) error {
	var rows []string
	for n := range knownUsers {
		for _, item := range stock {
			rows = append(rows, fmt.Sprintf("(%d, '%s')", firstUser+n, item))
		}
	}
	err := x.source.NewDatabase(ctx, database, schema,
		"INSERT INTO orders (user_id, item) VALUES "+strings.Join(rows, ", "))
	if err != nil {
		return err
	}
	return x.replica.CatchUp(ctx)
}

func (x *run) open(ctx context.Context, v lab.Variant) (*day, error) {
	x.days++
	d := &day{run: x, database: fmt.Sprintf("shop_%d", x.days), rnd: rand.New(rand.NewPCG(x.env.Seed, uint64(x.days)))}
	program, err := fix.Build(ctx, v, x.env.Scratch)
	if err != nil {
		return nil, err
	}
	if err := x.create(ctx, d.database); err != nil {
		return nil, err
	}
	if d.way, err = x.replica.Proxy(ctx); err != nil {
		return nil, err
	}
	for n := range d.routers {
		d.routers[n], err = program.Listen(ctx, fix.Options{
			Log: filepath.Join(x.env.Scratch, fmt.Sprintf("%s-router%d.log", d.database, n+1)),
			Env: map[string]string{
				"LAB_SOURCE_DSN":  x.source.DSNIn(app, d.database),
				"LAB_REPLICA_DSN": x.replica.DSNThrough(d.way, app, d.database),
			},
		})
		if err != nil {
			d.close()
			return nil, err
		}
	}
	// What a router makes when it starts is there before the day begins.
	return d, x.replica.CatchUp(ctx)
}

func (d *day) close() {
	for _, r := range d.routers {
		if r != nil {
			r.Kill()
		}
	}
}

// session is the app of a user who was not there yet today.
func (d *day) session() *session {
	s := &session{user: firstUser + d.users}
	for n, item := range stock {
		s.orders = append(s.orders, order{ID: int64(len(stock)*d.users + n + 1), Item: item, Status: "new"})
	}
	d.users++
	return s
}

// hold keeps the replica from applying anything until release, which may be
// called twice. It goes on receiving, and answers all reads.
func (d *day) hold(ctx context.Context) (release func(), err error) {
	return d.replica.Hold(ctx, "UNLOCK TABLES", "FLUSH TABLES WITH READ LOCK")
}

// answer is what the router says.
type answer struct {
	Session string  `json:"session"`
	Order   int64   `json:"order"`
	Orders  []order `json:"orders"`
}

// ask sends an app's request to the routers in turn. No answer in time, or
// another than 200, is counted, and ok is false.
func (d *day) ask(ctx context.Context, s *session, method, path string, query url.Values) (a answer, ok bool, err error) {
	query.Set("user", fmt.Sprint(s.user))
	query.Set("session", s.token)
	router := d.routers[d.requests%2]
	d.requests++
	wait := patience
	if d.unanswered > 0 {
		wait = hurry
	}
	limit, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	status, text, err := router.Ask(limit, method, path+"?"+query.Encode(), "")
	var why string
	switch {
	case ctx.Err() != nil:
		return a, false, context.Cause(ctx)
	case limit.Err() != nil:
		why = fmt.Sprintf("no answer within %s", wait)
	case err != nil:
		return a, false, err
	case status != http.StatusOK:
		why = fmt.Sprintf("%d %s", status, strings.TrimSpace(text))
	default:
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			why = fmt.Sprintf("an answer that is no JSON: %v", err)
		}
	}
	if why != "" {
		if d.unanswered++; d.unanswered == 1 {
			d.unansweredAt = fmt.Sprintf("%s %s of user %d: %s", method, path, s.user, why)
		}
		return a, false, nil
	}
	if a.Session != "" {
		s.token = a.Session
	}
	return a, true, nil
}

// write has the app order something, or cancel what it has ordered, in turn.
func (d *day) write(ctx context.Context, s *session) error {
	s.writes++
	if (s.user+s.writes)%2 == 0 {
		n := d.rnd.IntN(len(s.orders))
		for s.orders[n].Status == "cancelled" {
			n = (n + 1) % len(s.orders)
		}
		_, ok, err := d.ask(ctx, s, http.MethodPost, "/cancel", url.Values{"order": {fmt.Sprint(s.orders[n].ID)}})
		if ok {
			s.orders[n].Status = "cancelled"
			s.did = fmt.Sprintf("cancelled order %d", s.orders[n].ID)
		}
		return err
	}
	item := fmt.Sprintf("bicycle %d", d.rnd.IntN(1_000_000))
	a, ok, err := d.ask(ctx, s, http.MethodPost, "/orders", url.Values{"item": {item}})
	if ok {
		s.orders = append(s.orders, order{ID: a.Order, Item: item, Status: "new"})
		s.did = fmt.Sprintf("placed order %d", a.Order)
	}
	return err
}

// cancelled is an order of the app's that the warehouse could not deliver.
func (d *day) cancelled(ctx context.Context, s *session) error {
	n := slices.IndexFunc(s.orders, func(o order) bool { return o.Status == "new" })
	o := &s.orders[n]
	o.Status = "cancelled"
	s.did = fmt.Sprintf("order %d cancelled by the warehouse", o.ID)
	return d.source.Exec(ctx, fmt.Sprintf("UPDATE %s.orders SET status = 'cancelled' WHERE id = %d", d.database, o.ID))
}

// read has the app list its orders, and compares.
func (d *day) read(ctx context.Context, s *session) error {
	a, ok, err := d.ask(ctx, s, http.MethodGet, "/orders", url.Values{})
	d.reads++
	if !ok {
		return err
	}
	slices.SortFunc(a.Orders, func(a, b order) int { return int(a.ID - b.ID) })
	if slices.Equal(a.Orders, s.orders) {
		return nil
	}
	if d.stale++; d.stale == 1 {
		did := "done nothing"
		if s.did != "" {
			did = s.did
		}
		d.staleAt = fmt.Sprintf("user %d had %s, and was shown %s", s.user, did, differs(a.Orders, s.orders))
	}
	return nil
}

// readTwice reads through either instance.
func (d *day) readTwice(ctx context.Context, s *session) error {
	for range 2 {
		if err := d.read(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// differs says in what a list of orders is not what it must be.
func differs(got, want []order) string {
	for _, o := range want {
		n := slices.IndexFunc(got, func(g order) bool { return g.ID == o.ID })
		switch {
		case n < 0:
			return fmt.Sprintf("a list without order %d", o.ID)
		case got[n] != o:
			return fmt.Sprintf("order %d as %q, %s", o.ID, got[n].Item, got[n].Status)
		}
	}
	return fmt.Sprintf("%d orders instead of %d", len(got), len(want))
}

type rows struct{ source, replica int64 }

// rows counts what the routers have read on the servers.
func (d *day) rows(ctx context.Context) (n rows, err error) {
	source, err := d.source.Account(ctx, app)
	if err != nil {
		return n, err
	}
	replica, err := d.replica.Account(ctx, app)
	return rows{source.Reads(), replica.Reads()}, err
}

func (d *day) readings(r *lab.Readings) {
	share := 0.0
	if d.well > 0 {
		share = 100 * float64(d.byReplica) / float64(d.well)
	}
	r.Set("stale-reads", fmt.Sprintf("of %d reads", d.reads), float64(d.stale))
	r.Set("unanswered", fmt.Sprintf("of %d requests", d.requests), float64(d.unanswered))
	r.Set("replica-share", "% of the reads", share)
	r.Note("stale-reads", "%s", d.staleAt)
	r.Note("unanswered", "%s", d.unansweredAt)
	r.Note("replica-share", "%s", d.elsewhere)
}

// seed leaves what the learner finds.
func (x *run) seed(ctx context.Context) error { return x.create(ctx, "shop") }

// fingerprint is what the seed left.
func (x *run) fingerprint(ctx context.Context) (lab.Fingerprint, error) {
	var orders int
	err := x.replica.Admin().QueryRowContext(ctx, "SELECT COUNT(*) FROM shop.orders").Scan(&orders)
	return lab.Fingerprint{"orders.rows": fmt.Sprint(orders)}, err
}
