package unindexedupdate

import (
	"context"
	"fmt"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// play is the service in a playground, in a database of its own: customers come
// each second, and the job each five. Each time somebody is slow with a cart that
// is due, and lets go when the job was there for three seconds.
func (x *run) play(ctx context.Context, v lab.Variant) (func(context.Context) error, error) {
	d, err := x.open(ctx, v)
	if err != nil {
		d.close()
		return nil, err
	}
	return func(ctx context.Context) error {
		defer d.close()
		return measure.Every(ctx, 5*time.Second, d.round)
	}, nil
}

// round is five seconds of it.
func (d *day) round(ctx context.Context) error {
	slow, _ := d.lastDue(1)
	// So many are due again; nobody gets the same reminder twice.
	err := d.mysql.Exec(ctx, fmt.Sprintf(
		"UPDATE %s.carts SET state = 'open', touched = touched - INTERVAL 1 SECOND WHERE id = %d OR id < 2000 AND state = 'abandoned'", d.database, slow.id))
	if err != nil {
		return err
	}
	release, err := d.hold(ctx, "ROLLBACK", "BEGIN", fmt.Sprintf("SELECT id FROM %s.carts WHERE id = %d FOR UPDATE", d.database, slow.id))
	if err != nil {
		return err
	}
	defer release()
	job := d.runJob(ctx, 1, 1)
	d.asked = map[*cart]bool{}
	customers := d.send(ctx, d.customers(8))
	if _, err := customers.Within(ctx, 3*time.Second); err != nil {
		return err
	}
	release()
	return waiters{job, customers}.Wait(ctx)
}
