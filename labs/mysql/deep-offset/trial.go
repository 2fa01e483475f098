package deepoffset

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
)

// trial is one measurement of one program.
type trial struct {
	*shop
	r       *lab.Readings
	both    [2]*fix.Service // behind a balancer that asks them by turns
	asked   int
	slowest time.Duration
	dearest string // next page
	widest  string // jump

	nextRows, jumpPages                   int64 // the most of one request
	skipped, repeated, wrong, wrongByJump int
}

// measure goes through parts of the list, and jumps into it, while orders come and go.
func (s *shop) measure(ctx context.Context, v lab.Variant, r *lab.Readings) error {
	t, err := s.serve(ctx, v, r)
	defer t.close()
	if err != nil {
		return err
	}
	if err := t.walk(ctx, func() int { return 1 }, 8); err != nil {
		return err
	}
	if err := t.walk(ctx, t.tied, 2); err != nil {
		return err
	}
	if err := t.walk(ctx, func() int { return t.pages() - 1 }, 6); err != nil {
		return err
	}
	if _, err := t.jump(ctx, func() int { return t.pages() + 100 }); err != nil {
		return err
	}
	r.Note("next-rows", "%s", t.dearest)
	r.Set("next-rows", "rows for one next page", float64(t.nextRows))
	r.Note("jump-pages", "%s", t.widest)
	r.Set("jump-pages", "InnoDB pages for one jump", float64(t.jumpPages))
	r.Set("orders-skipped", "orders", float64(t.skipped))
	r.Set("orders-repeated", "orders", float64(t.repeated))
	r.Set("pages-wrong", "pages", float64(t.wrong))
	r.Set("jumps-wrong", "of 4 jumps", float64(t.wrongByJump))
	r.Set("page-time", "ms for the slowest page", float64(t.slowest.Milliseconds()))
	return nil
}

// serve starts the program twice.
func (s *shop) serve(ctx context.Context, v lab.Variant, r *lab.Readings) (*trial, error) {
	s.know()
	t := &trial{shop: s, r: r}
	prog, err := fix.Build(ctx, v, s.env.Scratch)
	for i := range t.both {
		if err != nil {
			break
		}
		t.both[i], err = prog.Listen(ctx, fix.Options{
			Env: map[string]string{"LAB_MYSQL_DSN": s.db.DSN(account)},
			Log: filepath.Join(s.env.Scratch, fmt.Sprintf("program-%d.log", i)),
		})
	}
	return t, err
}

// close ends the programs.
func (t *trial) close() {
	for _, p := range t.both {
		if p != nil {
			p.Kill()
		}
	}
}

// tied is a page deep in the list that ends within a file of a marketplace: the
// orders before and after its end have one time.
func (t *trial) tied() int {
	for n := t.pages() * 3 / 4; ; n++ {
		if i := n * size; t.list[i-size/2].created == t.list[i+3*size].created {
			return n
		}
	}
}

// jump asks for a page by its number, as support does, and compares it with
// that page of the list.
func (t *trial) jump(ctx context.Context, where func() int) (*answer, error) {
	// Whoever has kept the list has kept an old one.
	if err := t.place(ctx, t.latest()); err != nil {
		return nil, err
	}
	n := where()
	path := "/orders"
	if n > 1 {
		path = fmt.Sprintf("/orders?page=%d", n)
	}
	before, err := t.db.Global(ctx)
	if err != nil {
		return nil, err
	}
	got, flaw, err := t.ask(ctx, path)
	if err != nil {
		return nil, err
	}
	after, err := t.db.Global(ctx)
	if err != nil {
		return nil, err
	}
	if pages := after.Since(before)["Innodb_buffer_pool_read_requests"]; pages > t.jumpPages {
		t.jumpPages = pages
		text, _, err := t.db.LastStatement(ctx, account)
		if err != nil {
			return nil, err
		}
		t.widest = fmt.Sprintf("page %d had the server touch %s pages of InnoDB, by: %s", n, lab.Number(float64(pages)), text)
	}
	if flaw == "" {
		want := t.list[min((n-1)*size, len(t.list)):min(n*size, len(t.list))]
		flaw = t.differs(got.Orders, want)
	}
	if flaw != "" {
		t.wrongByJump++
		t.r.Note("jumps-wrong", "%s: %s", path, flaw)
	}
	return got, nil
}

// differs says in what a page is not what it must be.
func (t *trial) differs(got []shown, want []order) string {
	if len(got) != len(want) {
		return fmt.Sprintf("has %d orders instead of %d", len(got), len(want))
	}
	for i, o := range want {
		if got[i].ID != o.id {
			return fmt.Sprintf("has order %d at place %d, where order %d belongs", got[i].ID, i+1, o.id)
		}
		if flaw := t.stale(got[i]); flaw != "" {
			return flaw
		}
	}
	return ""
}

// walk begins at a page and follows the links from there, at most so often.
func (t *trial) walk(ctx context.Context, where func() int, steps int) error {
	if err := t.late(ctx, where()*size); err != nil {
		return err
	}
	page, err := t.jump(ctx, where)
	if err != nil || page == nil || len(page.Orders) == 0 {
		return err // a flaw of the jump
	}
	first, last := page.Orders[0].order(), page.Orders[len(page.Orders)-1].order()
	known := t.newID() // orders that come from now on may be shown or not
	seen := map[uint64]bool{}
	for _, o := range page.Orders {
		seen[o.ID] = true
	}
	slid := false // orders come again
	for turn := 0; turn < steps && page.Next != ""; turn++ {
		if err := t.goOn(ctx, turn, last); err != nil {
			return err
		}
		if page, err = t.next(ctx, page.Next); err != nil || page == nil {
			return err
		}
		flaw := ""
		if len(page.Orders) > size || len(page.Orders) < size && page.Next != "" {
			flaw = fmt.Sprintf("it has %d orders", len(page.Orders))
		}
		slid = slid || slices.ContainsFunc(page.Orders, func(o shown) bool { return seen[o.ID] })
		for _, o := range page.Orders {
			switch {
			case seen[o.ID]:
				t.repeated++
				t.r.Note("orders-repeated", "order %d was shown already when it came again", o.ID)
				continue
			case slid && o.ID >= known && newer(last, o.order()) > 0:
				// It came among those that are shown again, and so with them.
			case newer(last, o.order()) > 0:
				flaw = fmt.Sprintf("order %d is newer than order %d, which was shown before it", o.ID, last.id)
			default:
				last = o.order()
			}
			seen[o.ID] = true
			if s := t.stale(o); s != "" {
				flaw = s
			}
		}
		if flaw != "" {
			t.wrong++
			t.r.Note("pages-wrong", "a page behind a link: %s", flaw)
		}
	}
	from, _ := t.find(first)
	to := len(t.list)
	if page.Next != "" {
		to, _ = t.find(last)
	}
	for _, o := range t.list[from:max(from, to)] {
		if o.id < known && !seen[o.id] {
			t.skipped++
			why := "and those before and after it were"
			if newer(last, o) < 0 {
				why = fmt.Sprintf("for the links ended at order %d", last.id)
			}
			t.r.Note("orders-skipped", "order %d of %s was never shown, %s", o.id, time.Unix(o.created, 0).UTC().Format(time.DateTime), why)
		}
	}
	return nil
}

// late has an order come, after the program has started and before anybody asks,
// that belongs on the second page from there: nothing is erased on that one.
func (t *trial) late(ctx context.Context, begins int) error {
	end := len(t.list) - 1
	at, before := min(begins+3*size/2, end), min(begins+size, end)
	for at < end && t.list[at].created == t.list[before].created {
		at++ // of one moment, the latest comes first
	}
	return t.place(ctx, t.list[at].created)
}

// next follows a link.
func (t *trial) next(ctx context.Context, link string) (*answer, error) {
	before, err := t.db.Account(ctx, account)
	if err != nil {
		return nil, err
	}
	got, flaw, err := t.ask(ctx, link)
	if err != nil {
		return nil, err
	}
	after, err := t.db.Account(ctx, account)
	if err != nil {
		return nil, err
	}
	if rows := after.Since(before).Reads(); rows > t.nextRows {
		t.nextRows = rows
		text, _, err := t.db.LastStatement(ctx, account)
		if err != nil {
			return nil, err
		}
		t.dearest = fmt.Sprintf("%s had the server read %s rows, by: %s", link, lab.Number(float64(rows)), text)
	}
	if flaw != "" {
		t.wrong++
		t.r.Note("pages-wrong", "%s: %s", link, flaw)
	}
	return got, nil
}

// shown is an order as the program answers it.
type shown struct {
	ID      uint64    `json:"id"`
	Created time.Time `json:"created"`
	Status  string    `json:"status"`
	Cents   int       `json:"cents"`
	Items   string    `json:"items"`
}

func (s shown) order() order { return order{id: s.ID, created: s.Created.Unix()} }

// stale says in what an order is not as it is stored.
func (t *trial) stale(o shown) string {
	at, there := t.find(o.order())
	if !there {
		return fmt.Sprintf("there is no order %d of %s in the table", o.ID, o.Created.UTC().Format(time.DateTime))
	}
	if is := t.list[at]; o.Status != is.status || o.Cents != is.cents || o.Items != is.items() {
		return fmt.Sprintf("order %d is not as it is stored: %s, %d cents", o.ID, is.status, is.cents)
	}
	return ""
}

// answer is a page as the program answers it.
type answer struct {
	Orders []shown `json:"orders"`
	Next   string  `json:"next"`
}

// ask asks one of the two instances. Without an answer that can be read there
// is a flaw.
func (t *trial) ask(ctx context.Context, path string) (a *answer, flaw string, err error) {
	if !strings.HasPrefix(path, "/") {
		return nil, fmt.Sprintf("%.100q is no path", path), nil
	}
	one := t.both[t.asked%len(t.both)]
	t.asked++
	began := time.Now()
	status, body, err := one.Ask(ctx, http.MethodGet, path, "")
	t.slowest = max(t.slowest, time.Since(began))
	if err != nil {
		return nil, "", err
	}
	if status != http.StatusOK {
		return nil, fmt.Sprintf("status %d, %.200q", status, body), nil
	}
	a = &answer{}
	if err := json.Unmarshal([]byte(body), a); err != nil {
		return nil, fmt.Sprintf("can't be read: %v", err), nil
	}
	return a, "", nil
}
