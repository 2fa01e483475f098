package cachepenetration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// answer is what an instance has said to a GET.
type answer struct {
	status int
	text   string
}

func (a answer) is(p product) bool {
	var got product
	return a.status == http.StatusOK && json.Unmarshal([]byte(a.text), &got) == nil && got == p
}

func (a answer) String() string {
	const most = 80
	text := strings.TrimSpace(a.text)
	if len(text) > most {
		text = text[:most] + "…"
	}
	return fmt.Sprintf("%d %q", a.status, text)
}

// get asks an instance for an id. An instance that was killed meanwhile has said
// nothing.
func (d *day) get(ctx context.Context, i int, id int64) (answer, error) {
	n := d.nodes[i]
	status, text, err := n.Ask(ctx, http.MethodGet, fmt.Sprintf("/products/%d", id), "")
	if err != nil && n.killed.Load() && ctx.Err() == nil {
		return answer{}, nil
	}
	return answer{status, text}, err
}

// fault counts one for a reading, and notes what was seen.
func (d *day) fault(reading, format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.wrong[reading]++; d.notes[reading] == "" {
		d.notes[reading] = fmt.Sprintf(format, args...)
	}
}

// finds wants an instance to know a product. If it says that there is none, that
// counts for the reading; when tells what the product is.
func (d *day) finds(ctx context.Context, i int, p product, reading, when string) error {
	a, err := d.get(ctx, i, p.ID)
	if err == nil {
		d.judge(a, i, p, reading, when)
	}
	return err
}

// findsOrFails is finds while a server refuses: an instance that can't know must
// not say that it does, and may say so.
func (d *day) findsOrFails(ctx context.Context, i int, p product, reading, when string) error {
	a, err := d.get(ctx, i, p.ID)
	if err != nil || a.status >= http.StatusInternalServerError {
		return err
	}
	d.judge(a, i, p, reading, when)
	return nil
}

func (d *day) judge(a answer, i int, p product, reading, when string) {
	switch {
	case a.is(p):
	case a.status == http.StatusNotFound:
		d.fault(reading, "instance %d said that there is no product %d, %s", i+1, p.ID, when)
	default:
		d.fault("wrong-answers", "product %d, %s: instance %d said %s", p.ID, when, i+1, a)
	}
}

// patience is how long what an instance times by itself may take to end; the
// brief asks for two seconds, and this is for a busy machine.
const patience = 4 * time.Second

// findsSoon is finds for what an instance may not know yet. All of a step's
// products share one end of patience.
func (d *day) findsSoon(ctx context.Context, end time.Time, i int, p product, reading, when string) error {
	soon, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	_ = measure.Until(soon, "the product is found", func(context.Context) (string, bool, error) {
		a, _ := d.get(ctx, i, p.ID) // an error, and what it is in the end, finds sees, too
		return a.String(), a.status != http.StatusNotFound, nil
	})
	return d.finds(ctx, i, p, reading, when)
}

// misses wants an instance to say that there is no such product.
func (d *day) misses(ctx context.Context, i int, id int64) error {
	a, err := d.get(ctx, i, id)
	if err == nil && a.status != http.StatusNotFound {
		d.fault("wrong-answers", "there is no product %d, and instance %d said %s", id, i+1, a)
	}
	return err
}

// either asks for a product that is just being made: it is there, or not, or that
// can't be said just now.
func (d *day) either(ctx context.Context, i int, p product) error {
	a, err := d.get(ctx, i, p.ID)
	if err == nil && a.status < http.StatusInternalServerError && a.status != http.StatusNotFound && !a.is(p) && !d.nodes[i].killed.Load() {
		d.fault("wrong-answers", "product %d, which is just being created: instance %d said %s", p.ID, i+1, a)
	}
	return err
}

// post has an instance create a product; done says that it has.
func (d *day) post(ctx context.Context, i int, p product) (done bool, err error) {
	done, a, err := d.postOrFails(ctx, i, p)
	if a.status >= http.StatusInternalServerError && !d.nodes[i].killed.Load() {
		d.fault("wrong-answers", "POST of product %d, which there was not: instance %d said %s", p.ID, i+1, a)
	}
	return done, err
}

// postOrFails is post while a server refuses.
func (d *day) postOrFails(ctx context.Context, i int, p product) (done bool, a answer, err error) {
	body, err := json.Marshal(p)
	if err != nil {
		return false, a, err
	}
	n := d.nodes[i]
	a.status, a.text, err = n.Ask(ctx, http.MethodPost, "/products", string(body))
	if err != nil {
		if n.killed.Load() && ctx.Err() == nil {
			return false, answer{}, nil
		}
		return false, a, err
	}
	if a.status != http.StatusCreated {
		if a.status < http.StatusInternalServerError && !n.killed.Load() {
			d.fault("wrong-answers", "POST of product %d, which there was not: instance %d said %s", p.ID, i+1, a)
		}
		return false, a, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.born = append(d.born, p)
	return true, a, nil
}

// theirs blames the program for what an account that may do everything could not do.
func (d *day) theirs(err error) error {
	var refused *driver.MySQLError
	if errors.As(err, &refused) {
		switch refused.Number {
		case 1049, 1054, 1146, 1205, 3819: // no such database, column, table; a lock; a constraint
			return lab.Blame("wrong-answers", fmt.Errorf("the table is not what it was: %w", err))
		}
	}
	return err
}
