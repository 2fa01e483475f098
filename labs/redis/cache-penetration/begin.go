package cachepenetration

import (
	"context"
)

// begin starts the first instance, which is killed in the middle of what it does
// at its start, and then the second one while the first one serves: before
// anything that the second asks of a server a product is created, and old ones
// are read.
func (d *day) begin(ctx context.Context) error {
	if err := d.killWhileStarting(ctx); err != nil {
		return err
	}
	if err := d.start(ctx, 0); err != nil {
		return err
	}
	for range 10 {
		if err := d.finds(ctx, 0, d.unasked(), "false-negatives", "after the first instance was killed in its start and started again"); err != nil {
			return err
		}
	}
	const most = 40 // pieces of what it sends
	var made []product
	pieces := 0
	between := &meanwhile{ctx: ctx, do: func(ctx context.Context) error {
		if pieces++; pieces > most {
			return nil
		}
		p := d.product(d.id())
		done, err := d.post(ctx, 0, p)
		if err != nil || !done {
			return err
		}
		made = append(made, p)
		if pieces%2 == 0 { // others are in no cache when all are asked for
			if err := d.finds(ctx, 0, p, "created-unseen", "just created, while the other instance starts"); err != nil {
				return err
			}
		}
		return d.finds(ctx, 0, d.unasked(), "false-negatives", "while the other instance starts")
	}}
	n := d.nodes[1]
	n.redis.Before(between.piece)
	n.mysql.Before(between.piece)
	err := d.start(ctx, 1)
	n.redis.Before(nil)
	n.mysql.Before(nil)
	if err := between.end(ctx, err); err != nil {
		return err
	}
	for n, p := range made {
		for _, i := range []int{n % 2, 1 - n%2} {
			if err := d.finds(ctx, i, p, "created-unseen", "created while instance 2 started"); err != nil {
				return err
			}
		}
	}
	return d.weigh(ctx)
}

// killWhileStarting starts the first instance and kills it before the sixth piece
// of what it sends to Redis, or when it listens.
func (d *day) killWhileStarting(ctx context.Context) error {
	const last = 6
	n := d.nodes[0]
	reached, gone := make(chan struct{}), make(chan struct{})
	pieces := 0
	n.redis.Before(func([]byte) {
		if pieces++; pieces == last {
			close(reached)
			<-gone
		}
	})
	var err error
	if n.Service, err = d.program.Serve(ctx, d.options(0)); err != nil {
		close(gone)
		return err
	}
	listening := make(chan error, 1)
	go func() { listening <- n.Listening(ctx) }()
	select {
	case <-reached:
	case err = <-listening:
	}
	n.killed.Store(true)
	n.Kill()
	n.redis.Reset()
	close(gone)
	n.redis.Before(nil)
	if err != nil {
		return err
	}
	return d.mysql.Drop(ctx, accounts[0])
}
