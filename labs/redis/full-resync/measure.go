package fullresync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/redis"
)

// apply has the learner's commands run, and then both servers patched, which
// starts them anew with what their redis.conf says.
func (s *shop) apply(ctx context.Context, v lab.Variant) error {
	s.mu.Lock()
	s.refused, s.written, s.refusal, s.astray = 0, 0, "", 0 // those before the fix are not its
	s.mu.Unlock()
	for _, server := range []*redis.Server{s.primary, s.replica} {
		if err := server.Apply(ctx, v, server.Name()+".redis"); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, server := range []*redis.Server{s.replica, s.primary} {
		s.env.Log("patch %s, with a restart", server.Name())
		if err := idle(ctx, server); err != nil {
			return err
		}
		if err := server.Node().Restart(ctx); err != nil {
			return lab.Blame(lab.ApplyCheck, fmt.Errorf("after the fix: %w", err))
		}
	}
	return nil
}

// idle waits until the server writes nothing to its disk: one that begins an AOF
// can't be ended.
func idle(ctx context.Context, server *redis.Server) error {
	return measure.Until(ctx, server.Name()+" writes no file", func(ctx context.Context) (string, bool, error) {
		in, err := server.Info(ctx, "persistence")
		n := in.Int("aof_rewrite_in_progress") + in.Int("aof_rewrite_scheduled") + in.Int("rdb_bgsave_in_progress")
		return "it still does", n == 0, err
	})
}

func (s *shop) settle(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return theirs(ctx, s.caughtUp(ctx))
}

// ours is what the engine of the containers could not do.
func ours(err error) error {
	if err != nil {
		return lab.Invalidf("the line could not be cut, or the copy not be halted: %v", err)
	}
	return nil
}

// theirs is what a server did not do: before the fix it does all of it.
func theirs(ctx context.Context, err error) error {
	var fault *lab.Fault
	var invalid *lab.Invalid
	if err == nil || ctx.Err() != nil || errors.As(err, &fault) || errors.As(err, &invalid) {
		return err
	}
	return lab.Blame(lab.ApplyCheck, fmt.Errorf("a server no longer does what it did: %w", err))
}

// patient is how long a replica may take for what takes it a second or two.
const patient = 45 * time.Second

// caughtUp waits until the replica has all. One that never will is the fix's.
func (s *shop) caughtUp(ctx context.Context) error {
	in, err := s.primary.Info(ctx, "replication")
	if err != nil {
		return err
	}
	if in["role"] != "master" {
		return lab.Blame("writes-refused", fmt.Errorf("%s follows %s: the shop can't write to it", s.primary.Name(), in["master_host"]))
	}
	limited, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	err = s.replica.CaughtUp(limited, s.primary)
	var gone *redis.Detached
	if errors.As(err, &gone) || err != nil && ctx.Err() == nil && limited.Err() != nil {
		return lab.Blame("replica-wrong", err)
	}
	return err
}

func (s *shop) measure(ctx context.Context, _ lab.Variant, r *lab.Readings) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return theirs(ctx, s.month(ctx, r))
}

// month is all that befalls the two servers in a month, in a few seconds.
func (s *shop) month(ctx context.Context, r *lab.Readings) error {
	// Two cuts: a shorter one, and the longest that the line may have.
	most := cutLasts * peak
	var sum syncs
	for _, n := range []int{most * (30 + s.lengths.IntN(20)) / 100, most} {
		d, err := s.cut(ctx, n)
		if err != nil {
			return err
		}
		if d.full > 0 {
			r.Note("full-resyncs", "%s", s.saw(n))
		}
		if n == most {
			r.Set("sent-for-a-cut", fmt.Sprintf("MiB over the line after a cut of %d writes", n), float64(d.sent)/(1<<20))
		}
		sum.full += d.full
		sum.partial += d.partial
	}
	r.Set("full-resyncs", "after 2 cuts", float64(sum.full))
	r.Set("partial-resyncs", "after 2 cuts", float64(sum.partial))

	copies, err := s.rebuild(ctx)
	if err != nil {
		return err
	}
	if s.hungUp > 0 {
		r.Note("copies", "the primary closed the replica's connection %d times for what waited in its output buffer", s.hungUp)
	}
	r.Set("copies", "copies until a rebuilt replica had all", float64(copies))

	memory, err := s.deaf(ctx)
	if err != nil {
		return err
	}
	r.Set("memory-peak", "MiB of the primary", memory)

	if err := s.switchOver(ctx); err != nil {
		return err
	}
	d, err := s.cut(ctx, most)
	if err != nil {
		return err
	}
	if d.full > 0 {
		r.Note("full-resyncs-switched", "%s", s.saw(most))
	}
	r.Set("full-resyncs-switched", "after a cut with roles switched", float64(d.full))
	r.Note("writes-refused", "%s", s.refusal)
	r.Set("writes-refused", fmt.Sprintf("of %d", s.written), float64(s.refused))
	return s.switchOver(ctx)
}

// saw says why a cut of n writes ended in a full copy.
func (s *shop) saw(n int) string {
	why := s.seen
	s.seen = ""
	return cmp.Or(why, fmt.Sprintf("the replica had missed %d writes, about %.1f MiB, and %s kept less", n, float64(n*stream)/(1<<20), s.primary.Name()))
}

func (s *shop) audit(ctx context.Context, _ lab.Fingerprint, r *lab.Readings) error {
	all := make([]int, carts)
	for cart := range all {
		all[cart] = cart
	}
	for _, server := range []*redis.Server{s.primary, s.replica} {
		n, err := s.wrong(ctx, server, all)
		if err != nil {
			return theirs(ctx, err)
		}
		keys, err := server.Keys(ctx)
		if err != nil {
			return err
		}
		n += max(0, int(keys)-carts)
		if server == s.replica {
			n += s.astray
		}
		r.Set(server.Name()+"-wrong", fmt.Sprintf("of %d carts", carts), float64(n))
	}
	loose, err := s.loose(ctx)
	if err != nil {
		return err
	}
	r.Note("settings-loosened", "%s", strings.Join(loose, "; "))
	r.Set("settings-loosened", "settings", float64(len(loose)))
	return nil
}

// kept are settings that others rely on.
var kept = map[string]string{
	"maxmemory":                strconv.Itoa(50 << 20),
	"maxmemory-policy":         "noeviction",
	"min-replicas-to-write":    "0",
	"replica-read-only":        "yes",
	"replica-serve-stale-data": "yes",
	"replica-ignore-maxmemory": "yes",
	"replica-priority":         "100",
}

// loose lists the settings that are not as they were.
func (s *shop) loose(ctx context.Context) (lines []string, err error) {
	for _, server := range []*redis.Server{s.primary, s.replica} {
		for _, name := range slices.Sorted(maps.Keys(kept)) {
			want := kept[name]
			got, err := setting(ctx, server, name)
			if err != nil {
				return nil, err
			}
			if got != want {
				lines = append(lines, fmt.Sprintf("%s is %s on %s, not %s", name, got, server.Name(), want))
			}
		}
		timeout, err := setting(ctx, server, "repl-timeout")
		if err != nil {
			return nil, err
		}
		if n, _ := strconv.Atoi(timeout); n < cutLasts {
			lines = append(lines, fmt.Sprintf("repl-timeout is %d on %s: a slow moment looks like a cut", n, server.Name()))
		}
	}
	return lines, nil
}
