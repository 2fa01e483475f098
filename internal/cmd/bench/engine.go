package main

import (
	"context"
	"fmt"
	"time"

	"github.com/moby/moby/client"

	"faultlab/internal/lab"
	"faultlab/internal/rig"
)

// kind is a server of the image table, and what is loaded into it.
type kind struct {
	name  string
	count int
	what  string // that many of them
	bulk  string // how the server itself loads them
	add   func(*rig.Rig) target
}

// kinds are in the order of the table.
var kinds = []kind{
	{"mysql", 1_000_000, "orders", "LOAD DATA INFILE", addMySQL},
	{"redis", 1_000_000, "keys", "redis-cli --pipe", addRedis},
	{"kafka", 1_000_000, "records", "kafka-producer-perf-test", addKafka},
	{"clickhouse", 10_000_000, "rows", "INSERT SELECT from a file", addClickHouse},
}

// target is a server with two ways to fill it.
type target struct {
	node *rig.Node
	// empty removes what was loaded and makes room for more.
	empty func(ctx context.Context) error
	// load is how labs seed, the making of the rows included.
	load func(ctx context.Context) error
	// export lays what load has loaded where bulk finds it.
	export func(ctx context.Context) error
	// bulk is the server's own way. It takes its time itself, without what it
	// costs to get a command into the container.
	bulk func(ctx context.Context) (time.Duration, error)
	// loaded is how many rows there are.
	loaded func(ctx context.Context) (int64, error)
}

// engine measures all about one kind of server.
func (b *bench) engine(ctx context.Context, k kind) (err error) {
	if r, ok := b.row(ready, k.name, k.name, 0); ok {
		if err := b.starts(ctx, k, r); err != nil {
			return err
		}
	}
	things := fmt.Sprintf("%s, %s %s", k.name, thousands(k.count), k.what)
	loads, seeds := b.row(seed, k.name, fmt.Sprintf("%s (bare: %s)", things, k.bulk), k.count)
	starts, again := b.row(snapshot, k.name, things, 0)
	if !seeds && !again {
		return nil
	}
	image, err := b.seeds(ctx, k, loads)
	if err != nil {
		return err
	}
	defer func() {
		_, rerr := b.api.ImageRemove(context.WithoutCancel(ctx), image, client.ImageRemoveOptions{PruneChildren: true})
		if err == nil && rerr != nil {
			err = fmt.Errorf("remove snapshot: %w", rerr)
		}
	}()
	if again {
		return b.starts(ctx, k, starts)
	}
	return nil
}

// up starts a rig of one server, and says how long it took. down removes it.
func (b *bench) up(ctx context.Context, k kind, fresh bool) (r *rig.Rig, t target, took time.Duration, err error) {
	r = rig.New(lab.Env{Lab: "bench/" + k.name, Seed: 1, Fresh: fresh, Log: log})
	t = k.add(r)
	began := time.Now()
	_, seeded, err := r.Start(ctx)
	took = time.Since(began)
	if err == nil && seeded == fresh {
		err = fmt.Errorf("start %s: seeded is %t", k.name, seeded)
	}
	if err != nil {
		down(ctx, r)
	}
	return r, t, took, err
}

func down(ctx context.Context, r *rig.Rig) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := r.Stop(ctx); err != nil {
		log("%v", err)
	}
}

// starts compares the start of a rig with that of a bare container.
func (b *bench) starts(ctx context.Context, k kind, into *row) error {
	for range b.rounds {
		r, t, ours, err := b.up(ctx, k, into.section == ready)
		if err != nil {
			return err
		}
		twin, err := b.twin(ctx, r, t.node)
		down(ctx, r)
		if err != nil {
			return err
		}
		bare, _, err := twin.start(ctx)
		if err != nil {
			return fmt.Errorf("start bare %s: %w", k.name, err)
		}
		into.add(ours, bare)
	}
	return nil
}

// seeds compares the two ways to fill a server, and leaves a snapshot of it:
// the name of its image.
func (b *bench) seeds(ctx context.Context, k kind, into *row) (image string, err error) {
	r, t, _, err := b.up(ctx, k, true)
	if err != nil {
		return "", err
	}
	defer down(ctx, r)
	filled := func(f func(context.Context) (time.Duration, error)) (time.Duration, error) {
		if err := t.empty(ctx); err != nil {
			return 0, fmt.Errorf("empty: %w", err)
		}
		took, err := f(ctx)
		if err != nil {
			return 0, err
		}
		if n, err := t.loaded(ctx); err != nil || n != int64(k.count) {
			return 0, fmt.Errorf("loaded %d of %d: %w", n, k.count, err)
		}
		return took, nil
	}
	for i := range b.rounds {
		ours, err := filled(func(ctx context.Context) (time.Duration, error) {
			began := time.Now()
			err := t.load(ctx)
			return time.Since(began), err
		})
		if err == nil && i == 0 && t.export != nil {
			err = t.export(ctx)
		}
		if err != nil {
			return "", err
		}
		bare, err := filled(t.bulk)
		if err != nil {
			return "", fmt.Errorf("load by %s: %w", k.bulk, err)
		}
		into.add(ours, bare)
	}
	if err := r.Save(ctx, nil); err != nil {
		return "", err
	}
	c, err := b.inspect(ctx, r, t.node)
	if err != nil {
		return "", err
	}
	return c.Config.Image, nil
}
