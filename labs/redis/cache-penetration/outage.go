package cachepenetration

import (
	"context"
	"fmt"

	"faultlab/internal/redis"
)

// refused has MySQL, and then Redis, refuse the instances for a while, in which a
// product is created that both were asked for in vain just before.
func (d *day) refused(ctx context.Context) error {
	const each = 6
	var unasked []product
	for range each {
		unasked = append(unasked, d.unasked())
	}
	for _, server := range []struct {
		name      string
		shut, let func(context.Context) error
	}{{"MySQL", d.shutMySQL, d.letMySQL}, {"Redis", d.shutRedis, d.letRedis}} {
		created := d.revive()
		for i := range d.nodes {
			if err := d.misses(ctx, i, created.ID); err != nil {
				return err
			}
		}
		if err := server.shut(ctx); err != nil {
			return err
		}
		done, _, err := d.postOrFails(ctx, 0, created)
		if err != nil {
			return err
		}
		for n, p := range unasked {
			if err := d.findsOrFails(ctx, n%2, p, "false-negatives", "while "+server.name+" refused"); err != nil {
				return err
			}
		}
		if err := server.let(ctx); err != nil {
			return err
		}
		for n, p := range unasked {
			if err := d.finds(ctx, n%2, p, "false-negatives", "after "+server.name+" had refused for a while"); err != nil {
				return err
			}
		}
		if err := d.known(ctx, done, created, "created while "+server.name+" refused"); err != nil {
			return err
		}
		unasked = append(unasked[each/2:], d.unasked(), d.unasked(), d.unasked())
	}
	return nil
}

// known wants both instances to find what was created, and nobody to find what
// did not come into the table.
func (d *day) known(ctx context.Context, created bool, p product, when string) error {
	if created {
		return d.both(ctx, created, p, when)
	}
	there, err := d.inTable(ctx, p.ID)
	if err != nil || there {
		return err
	}
	for i := range d.nodes {
		if err := d.misses(ctx, i, p.ID); err != nil {
			return err
		}
	}
	return nil
}

func (d *day) shutMySQL(ctx context.Context) error {
	for _, account := range accounts {
		if err := d.mysql.Exec(ctx, fmt.Sprintf("ALTER USER '%s'@'%%' ACCOUNT LOCK", account)); err != nil {
			return err
		}
		if err := d.mysql.Drop(ctx, account); err != nil {
			return err
		}
	}
	return nil
}

func (d *day) letMySQL(ctx context.Context) error {
	for _, account := range accounts {
		if err := d.mysql.Exec(ctx, fmt.Sprintf("ALTER USER '%s'@'%%' ACCOUNT UNLOCK", account)); err != nil {
			return err
		}
	}
	return nil
}

func (d *day) shutRedis(ctx context.Context) error {
	if err := d.redis.Client().Do(ctx, "ACL", "SETUSER", redis.Learner, "off").Err(); err != nil {
		return fmt.Errorf("switch the account off: %w", err)
	}
	if err := d.redis.Client().Do(ctx, "CLIENT", "KILL", "USER", redis.Learner).Err(); err != nil {
		return fmt.Errorf("end the account's connections: %w", err)
	}
	return nil
}

func (d *day) letRedis(ctx context.Context) error {
	if err := d.redis.Client().Do(ctx, "ACL", "SETUSER", redis.Learner, "on").Err(); err != nil {
		return fmt.Errorf("switch the account on: %w", err)
	}
	return nil
}

// evicted takes keys from Redis, as it does itself where memory is short: one by
// one those that stand for more than one product, and then all.
func (d *day) evicted(ctx context.Context) error {
	keys, err := d.shared(ctx)
	if err != nil {
		return err
	}
	for _, key := range keys {
		err := d.loses(ctx, "the key "+key, func() error { return d.redis.Client().Del(ctx, key).Err() })
		if err != nil {
			return err
		}
	}
	return d.loses(ctx, "all keys", func() error { return d.redis.Client().FlushAll(ctx).Err() })
}

// loses takes something from Redis after one product was created and before
// another is; both instances were asked for both, in vain. All that was there is
// still there.
func (d *day) loses(ctx context.Context, what string, lose func() error) error {
	when := "after Redis had lost " + what
	before, err := d.awaited(ctx)
	if err != nil {
		return err
	}
	if err := lose(); err != nil {
		return fmt.Errorf("take %s from redis: %w", what, err)
	}
	after, err := d.awaited(ctx)
	if err != nil {
		return err
	}
	old := before
	for range 4 {
		old = append(old, d.unasked(), d.born[d.rnd.IntN(len(d.born))])
	}
	for i := range d.nodes {
		for _, p := range old {
			if err := d.finds(ctx, i, p, "false-negatives", when); err != nil {
				return err
			}
		}
		for _, p := range after {
			if err := d.finds(ctx, i, p, "created-unseen", "created "+when); err != nil {
				return err
			}
		}
	}
	return nil
}

// awaited creates a product that both instances were asked for in vain; it is
// empty if they did not create it.
func (d *day) awaited(ctx context.Context) ([]product, error) {
	p := d.revive()
	for i := range d.nodes {
		if err := d.misses(ctx, i, p.ID); err != nil {
			return nil, err
		}
	}
	done, err := d.post(ctx, 0, p)
	if err != nil || !done {
		return nil, err
	}
	return []product{p}, nil
}
