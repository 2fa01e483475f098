package fullresync

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/redis"
)

// The lab has no 30 s for a cut, and no 100 s for a copy. What the servers would
// count in bytes by then, they count here as well: that many writes are made. What
// they would count in seconds is made to happen: see lapse and patience.

// syncs are how a primary's replicas got what they lacked, since it started.
type syncs struct{ full, partial, sent, hungUp int64 }

func counted(ctx context.Context, primary *redis.Server) (syncs, error) {
	in, err := primary.Info(ctx, "stats")
	return syncs{
		full: in.Int("sync_full"), partial: in.Int("sync_partial_ok"),
		sent: in.Int("total_net_repl_output_bytes"), hungUp: in.Int("client_output_buffer_limit_disconnections"),
	}, err
}

func (a syncs) since(b syncs) syncs {
	return syncs{a.full - b.full, a.partial - b.partial, a.sent - b.sent, a.hungUp - b.hungUp}
}

// cut takes the line away for as long as n writes take. What goes through the
// firewall has ended for both sides, as it does when a firewall gives way to another.
func (s *shop) cut(ctx context.Context, n int) (syncs, error) {
	before, err := counted(ctx, s.primary)
	if err != nil {
		return syncs{}, err
	}
	if err := s.primary.Node().Disconnect(ctx); err != nil {
		return syncs{}, ours(err)
	}
	if err := s.primary.Client().ClientKillByFilter(ctx, "TYPE", "replica").Err(); err != nil {
		return syncs{}, fmt.Errorf("end the replica's connection: %w", err)
	}
	changed, err := s.write(ctx, n)
	if err != nil {
		return syncs{}, err
	}
	if err := s.lapse(ctx, n); err != nil {
		return syncs{}, err
	}
	if err := s.primary.Node().Connect(ctx); err != nil {
		return syncs{}, ours(err)
	}
	// Else it would find out by itself, within the second or after repl-timeout.
	if err := s.replica.Client().ClientKillByFilter(ctx, "TYPE", "master").Err(); err != nil {
		return syncs{}, fmt.Errorf("end the connection to the primary: %w", err)
	}
	if err := s.caughtUp(ctx); err != nil {
		return syncs{}, err
	}
	wrong, err := s.wrong(ctx, s.replica, changed)
	if err != nil {
		return syncs{}, err
	}
	s.astray += wrong
	after, err := counted(ctx, s.primary)
	return after.since(before), err
}

// lapse lets the primary without a replica give its backlog back, if it would
// have by the end of a cut and has kept enough until now.
func (s *shop) lapse(ctx context.Context, n int) error {
	const name = "repl-backlog-ttl"
	ttl, err := setting(ctx, s.primary, name)
	if err != nil {
		return err
	}
	kept, err := setting(ctx, s.primary, "repl-backlog-size")
	if err != nil {
		return err
	}
	seconds, _ := strconv.Atoi(ttl)
	if bytes, _ := strconv.Atoi(kept); seconds == 0 || seconds >= cutLasts || bytes < n*size {
		return nil
	}
	s.seen = fmt.Sprintf("%s of %s is %d: the backlog was given back before the cut of %d s was over", name, s.primary.Name(), seconds, cutLasts)
	if err := set(ctx, s.primary, name, "1"); err != nil {
		return err
	}
	err = measure.Until(ctx, "the backlog is given back", func(ctx context.Context) (string, bool, error) {
		in, err := s.primary.Info(ctx, "replication")
		return in["repl_backlog_histlen"] + " bytes", in.Int("repl_backlog_active") == 0, err
	})
	if err != nil {
		return err
	}
	return set(ctx, s.primary, name, ttl)
}

// patience makes the primary's soft limit of what waits for a replica what it
// comes to within so many seconds at the peak: a hard one, or none. It
// returns what puts it back.
func (s *shop) patience(ctx context.Context, seconds int) (restore func(context.Context) error, err error) {
	const name = "client-output-buffer-limit"
	limits, err := setting(ctx, s.primary, name)
	if err != nil {
		return nil, err
	}
	var hard, soft, after int
	for class := range strings.SplitSeq(strings.Replace(limits, "slave ", "|", 1), "|") {
		_, _ = fmt.Sscan(class, &hard, &soft, &after) // the last one counts
	}
	limit := hard
	if hard == 0 {
		limit = math.MaxInt
	}
	if soft > 0 && after < seconds {
		limit = min(limit, soft+after*peak*stream)
	}
	if limit == math.MaxInt {
		limit = 0
	}
	restore = func(ctx context.Context) error {
		return set(ctx, s.primary, name, fmt.Sprintf("replica %d %d %d", hard, soft, after))
	}
	return restore, set(ctx, s.primary, name, fmt.Sprintf("replica %d 0 0", limit))
}

// rebuild has the replica begin with nothing, and returns how many copies were sent until
// it had all. Each copy is held up, by a halt of the process that sends it, until the
// writes of the time that it takes over the line are made; the third is let
// through, for it would go on like this.
func (s *shop) rebuild(ctx context.Context) (copies int, err error) {
	// A little slower, so that there is time to halt it.
	const name = "rdb-key-save-delay"
	if err := set(ctx, s.primary, name, "-2"); err != nil {
		return 0, err
	}
	restore, err := s.patience(ctx, copyLasts)
	if err != nil {
		return 0, err
	}
	before, sender, err := s.nothing(ctx)
	if err != nil {
		return 0, err
	}
	for sender != "" {
		if _, err := s.write(ctx, copyLasts*peak); err != nil {
			return 0, err
		}
		// It may be gone already, with the connection.
		_, _ = s.primary.Node().Exec(ctx, "sh", "-c", "kill -CONT "+sender)
		again, err := s.another(ctx, before, copies+1)
		if err != nil {
			return 0, err
		}
		copies++
		if !again || copies == 2 {
			break
		}
		if sender, err = s.halt(ctx, sender); err != nil {
			return 0, err
		}
	}
	if err := s.caughtUp(ctx); err != nil {
		return 0, err
	}
	now, err := counted(ctx, s.primary)
	if err != nil {
		return 0, err
	}
	if err := restore(ctx); err != nil {
		return 0, err
	}
	d := now.since(before)
	s.hungUp = d.hungUp
	return int(d.full), set(ctx, s.primary, name, "0")
}

// nothing has the replica begin with nothing, and halts the first copy that it is sent.
func (s *shop) nothing(ctx context.Context) (before syncs, sender string, err error) {
	for range 5 {
		if before, err = counted(ctx, s.primary); err != nil {
			return before, "", err
		}
		// Once it was a primary itself, its history is not the primary's any more.
		for _, follow := range [][]any{{"REPLICAOF", "NO", "ONE"}, {"REPLICAOF", s.primary.Name(), redis.Port}} {
			if err := s.replica.Client().Do(ctx, follow...).Err(); err != nil {
				return before, "", fmt.Errorf("have %s begin with nothing: %w", s.replica.Name(), err)
			}
		}
		if sender, err = s.halt(ctx, ""); sender != "" || err != nil {
			return before, sender, err
		}
		if err := s.caughtUp(ctx); err != nil {
			return before, "", err
		}
	}
	return before, "", lab.Invalidf("no copy could be halted: this machine is too busy")
}

// another says whether a further copy was begun, or the replica has all.
func (s *shop) another(ctx context.Context, before syncs, copies int) (again bool, err error) {
	done, cancel := context.WithCancel(ctx)
	defer cancel()
	all := make(chan error, 1)
	go func() { all <- s.caughtUp(done) }()
	for {
		now, err := counted(ctx, s.primary)
		if err != nil {
			return false, err
		}
		if now.since(before).full > int64(copies) {
			return true, nil
		}
		select {
		case err := <-all:
			return false, err
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// halt stops the process that sends a copy to the replica, other than the last one, and
// returns its id; none if it has not come or is gone already.
func (s *shop) halt(ctx context.Context, last string) (string, error) {
	const script = `i=0
while [ $i -lt 400 ]; do
	for p in /proc/[0-9]*/stat; do
		read child name state parent rest <$p
		if [ "$parent" = 1 ] && [ "$state" != Z ] && [ "$child" != "$1" ]; then
			kill -STOP $child && echo $child
			exit 0
		fi
	done 2>/dev/null
	sleep 0.005
	i=$((i+1))
done`
	id, err := s.primary.Node().Exec(ctx, "sh", "-c", script, "sh", last)
	return strings.TrimSpace(id), ours(err)
}

// deaf has the replica read nothing for as long as nobody notices, and returns
// the memory that the primary has come to need by then, in MiB.
func (s *shop) deaf(ctx context.Context) (float64, error) {
	restore, err := s.patience(ctx, deafLasts)
	if err != nil {
		return 0, err
	}
	if err := s.replica.Node().Pause(ctx); err != nil {
		return 0, ours(err)
	}
	_, err = s.write(ctx, deafLasts*peak)
	if err != nil {
		return 0, err
	}
	in, err := s.primary.Info(ctx, "memory")
	if err != nil {
		return 0, err
	}
	if err := s.replica.Node().Unpause(ctx); err != nil {
		return 0, ours(err)
	}
	if err := restore(ctx); err != nil {
		return 0, err
	}
	return float64(in.Int("used_memory_peak")) / (1 << 20), s.caughtUp(ctx)
}

// switchOver makes the replica the primary, as is done each month.
func (s *shop) switchOver(ctx context.Context) error {
	if err := s.primary.Client().Do(ctx, "FAILOVER").Err(); err != nil {
		return fmt.Errorf("switch over: %w", err)
	}
	s.primary, s.replica = s.replica, s.primary
	err := measure.Until(ctx, s.primary.Name()+" is the primary", func(ctx context.Context) (string, bool, error) {
		now, err := s.primary.Info(ctx, "replication")
		if err != nil {
			return "", false, err
		}
		then, err := s.replica.Info(ctx, "replication")
		return then["master_failover_state"], now["role"] == "master" && then["role"] == "slave", err
	})
	if err != nil {
		return err
	}
	return s.caughtUp(ctx)
}

func setting(ctx context.Context, server *redis.Server, name string) (string, error) {
	got, err := server.Client().ConfigGet(ctx, name).Result()
	if err != nil {
		return "", fmt.Errorf("config get %s of %s: %w", name, server.Name(), err)
	}
	return got[name], nil
}

func set(ctx context.Context, server *redis.Server, name, value string) error {
	if err := server.Client().ConfigSet(ctx, name, value).Err(); err != nil {
		return fmt.Errorf("config set %s of %s: %w", name, server.Name(), err)
	}
	return nil
}
