package unindexedupdate

import (
	"context"
	"fmt"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/mysql"
)

// readings reads the tables as they are in the end.
func (d *day) readings(ctx context.Context, r *lab.Readings) error {
	counted, err := d.count(ctx)
	if err != nil {
		return err
	}
	counted = counted.Since(d.before)
	engines, err := d.mysql.Engines(ctx, d.database)
	if err != nil {
		return err
	}
	if engines != "InnoDB" {
		return lab.Blame("carts-wrong", fmt.Errorf("tables are of the engines %s: what was put into carts is gone after a crash", engines))
	}
	t, err := d.tables(ctx)
	if err != nil {
		return err
	}
	r.Set("job-locks", "for each cart that is due", d.locks)
	r.Note("job-locks", "%s", d.locksAt)
	r.Set("writers-blocked", fmt.Sprintf("of %d", d.writers), float64(d.blocked))
	if d.job != nil {
		r.Note("carts-wrong", "the job was answered: %v", d.job)
	}
	if d.left > 0 {
		r.Note("carts-wrong", "the service said that the job is done, and %d carts that were due were still open", d.left)
	}
	compare(d.carts, d.puts, t, r)
	wrong, _ := r.Get("carts-wrong")
	r.Set("carts-wrong", wrong.Unit, wrong.Value+float64(d.left))
	r.Set("deadlocks", "", float64(counted["deadlocks"]))
	r.Set("lock-waits", "", float64(counted["Innodb_row_lock_waits"]))
	return nil
}

func (d *day) tables(ctx context.Context) (tables, error) {
	t := tables{carts: map[int64]cart{}, lines: map[line]int{}, reminders: map[int64][]reminder{}}
	err := d.each(ctx, "id, user_id, state, touched FROM "+d.database+".carts", func(scan func(...any) error) error {
		var c cart
		err := scan(&c.id, &c.user, &c.state, &c.touched)
		t.carts[c.id] = c
		return err
	})
	if err != nil {
		return t, err
	}
	err = d.each(ctx, "cart_id, product_id, quantity FROM "+d.database+".cart_lines", func(scan func(...any) error) error {
		var at line
		var quantity int
		err := scan(&at.cart, &at.product, &quantity)
		t.lines[at] += quantity
		return err
	})
	if err != nil {
		return t, err
	}
	return t, d.each(ctx, "cart_id, user_id, touched FROM "+d.database+".reminders", func(scan func(...any) error) error {
		var id, user int64
		var touched time.Time
		err := scan(&id, &user, &touched)
		t.reminders[id] = append(t.reminders[id], reminder{user, touched})
		return err
	})
}

// each reads rows.
func (d *day) each(ctx context.Context, what string, row func(scan func(...any) error) error) error {
	rows, err := d.mysql.Admin().QueryContext(ctx, "SELECT "+what)
	if err != nil {
		return theirs(fmt.Errorf("read the tables: %w", err))
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return lab.Blame("carts-wrong", fmt.Errorf("read the tables: %w", err))
		}
	}
	return rows.Err()
}

// count reads how often anybody waited for a row, and was ended for it.
func (d *day) count(ctx context.Context) (mysql.Status, error) {
	all, err := d.mysql.Global(ctx)
	if err != nil {
		return nil, err
	}
	var deadlocks int64
	err = d.mysql.Admin().QueryRowContext(ctx, "SELECT COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'lock_deadlocks'").Scan(&deadlocks)
	if err != nil {
		return nil, fmt.Errorf("count deadlocks: %w", err)
	}
	all["deadlocks"] = deadlocks
	return all, nil
}
