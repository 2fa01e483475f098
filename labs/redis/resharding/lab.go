// Package resharding is the lab redis/resharding: a client that picks the cache's
// node by a modulo, and the day on which there is one node more.
package resharding

import (
	"context"
	"slices"

	"faultlab/internal/lab"
	"faultlab/internal/mysql"
	"faultlab/internal/redis"
	"faultlab/internal/rig"
)

// Lab is the lab.
var Lab = &lab.Lab{
	Name:    "redis/resharding",
	Title:   "A fifth cache node, and MySQL is on its knees",
	Level:   lab.Medium,
	Minutes: 45,
	Engines: []string{"redis", "mysql"},
	Memory:  700,
	Disk:    600,
	Notes: []lab.Source{
		{File: "003_c14889d7a00e23be.txt", First: 201, Last: 209},
		{File: "003_c14889d7a00e23be.txt", First: 485, Last: 495},
		{File: "000_4137646a037103e8.txt", First: 106, Last: 113},
	},
	Fix: lab.Program(),
	Checks: []lab.Check{
		lab.AtMost("rows-added", fair).Symptom().
			Else("a node was added, and MySQL had to give far more than what belongs on the new node"),
		lab.AtMost("rows-left", fair).Symptom().
			Else("a node left, and MySQL had to give far more than what had been on it"),
		lab.AtMost("rows-returned", fair).
			Else("a node came back, and MySQL had to give far more than what belongs on it"),
		lab.AtMost("keys-moved", fair).Symptom().
			Else("nodes got far more keys than what one node has: all of that went through the network and through servers that had other things to do"),
		lab.AtMost("rows-same", 2).
			Else("the nodes were the same as before, and yet the products were not found where they are: the instances don't agree, or a node is no longer itself with another address or after a restart of the program"),
		lab.Equal("stale-answers", 0).Symptom().
			Else("a product was shown as it was before an answered PUT"),
		lab.AtMost("busiest-node", 1.3).
			Else("one node has much more than its share of the products"),
		lab.AtMost("commands-per-read", 1.05).
			Else("a read of a product that is in the cache takes more than one command, although nothing changes any more"),
		lab.AtLeast("lookups-per-read", 0.95).Named("reads-ask-redis").
			Else("reads are answered from somewhere else than the cache; another instance does not see what is written there"),
		lab.AtMost("keys-per-product", 1.05).
			Else("the cache has more than one copy of a product: the nodes were bought because one is too small for all"),
		lab.AtLeast("keys-per-product", 0.95).Named("key-of-its-own").
			Else("products share keys, or are not in the cache"),
		lab.Equal("failed-requests", 0).
			Else("a request failed, or was answered with what nobody has put; a dead node is no reason while MySQL answers"),
	},
	New: func(env lab.Env) lab.Run {
		r := rig.New(env)
		x := &run{env: env, mysql: mysql.New(r, mysql.Config{Grants: map[string][]string{
			account: {"SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP ON `shop%`.*"},
		}})}
		for _, name := range names {
			x.caches = append(x.caches, redis.New(r, redis.Config{Name: name, Rights: redis.LearnerRights + " +flushdb"}))
		}
		return lab.Run{Rig: r, Seed: x.seed, Fingerprint: x.fingerprint, Measure: x.measure, Play: x.play}
	},
}

// names are the nodes. The last one is there and empty until it is added.
var names = []string{"cache-1", "cache-2", "cache-3", "cache-4", "cache-5"}

// fair is what a change of one node in five may cost, in percent of the
// products: a fifth, and three tenths of it for luck.
const fair = 26

// account is the program's in MySQL.
const account = "catalogue"

type run struct {
	env    lab.Env
	mysql  *mysql.Server
	caches []*redis.Server
	trials int // so far
}

// measure takes the variant's two instances through a week of changes.
func (x *run) measure(ctx context.Context, v lab.Variant, r *lab.Readings) error {
	t, err := x.open(ctx, v, r)
	if err != nil {
		return err
	}
	defer t.close()
	for _, step := range []func(context.Context) error{
		t.warm,
		t.agree,
		t.add,
		t.redeploy,
		t.cutOff,
		t.putBack,
		t.die,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	t.report()
	return nil
}

// warm fills the cache through one instance.
func (t *trial) warm(ctx context.Context) error {
	if err := t.readAll(ctx, 0); err != nil {
		return err
	}
	return t.copies(ctx)
}

// agree has the other one look for all that.
func (t *trial) agree(ctx context.Context) error {
	return t.same(ctx, "the second instance read what the first had put into the cache", 1)
}

// add gives the cache its fifth node. From then on products change.
func (t *trial) add(ctx context.Context) error {
	share, err := t.change(ctx, "rows-added", t.tellBoth, names...)
	if err != nil {
		return err
	}
	t.added = share
	if err := t.same(ctx, "all was read once more", 0, 1); err != nil {
		return err
	}
	return t.update(ctx)
}

// redeploy has a node at another address, and an instance that starts anew. No
// node comes or goes.
func (t *trial) redeploy(ctx context.Context) error {
	t.addr["cache-3"] = t.next.Addr()
	if err := t.tellOne(ctx); err != nil {
		return err
	}
	return t.same(ctx, "cache-3 has another address, and one instance was started anew", 0, 1)
}

// cutOff has a node in the middle of the list that nobody reaches, and takes it out.
// It keeps what it has, nobody can tell it what changes meanwhile, and not every
// instance that knew of it lives to see it again.
func (t *trial) cutOff(ctx context.Context) error {
	if err := t.last.Close(); err != nil {
		return err
	}
	if err := t.without(ctx, "cache-2"); err != nil {
		return err
	}
	return t.restart(ctx, 0)
}

// putBack lists it again. An instance that starts now has not seen it come: what
// it has to know of that is not in its memory.
func (t *trial) putBack(ctx context.Context) error {
	t.addr["cache-2"] = t.cache("cache-2").Addr()
	share, err := t.change(ctx, "rows-returned", t.tellOne, names...)
	if err != nil {
		return err
	}
	t.returned = share
	return t.update(ctx)
}

// die has it die for good.
func (t *trial) die(ctx context.Context) error {
	if err := t.cache("cache-2").Node().Kill(ctx); err != nil {
		return err
	}
	if err := t.without(ctx, "cache-2"); err != nil {
		return err
	}
	return empty(ctx, t.cache("cache-2")) // who looks at the servers next finds all of them
}

// without takes a node out of the list, some time after it was last reached.
func (t *trial) without(ctx context.Context, name string) error {
	if err := t.readSome(ctx, 8*page); err != nil {
		return err
	}
	rest := slices.DeleteFunc(slices.Clone(names), func(x string) bool { return x == name })
	share, err := t.change(ctx, "rows-left", t.tellBoth, rest...)
	if err != nil {
		return err
	}
	t.left = max(t.left, share)
	if err := t.same(ctx, "all was read once more", 0, 1); err != nil {
		return err
	}
	return t.update(ctx)
}
