package redis_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"faultlab/internal/lab"
	"faultlab/internal/redis"
	"faultlab/internal/rig"
)

// start runs a rig for one test, from nothing.
func start(t *testing.T, r *rig.Rig) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(func() {
		cancel()
		if err := r.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if _, _, err := r.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

func newRig(t *testing.T) *rig.Rig {
	t.Helper()
	if testing.Short() {
		t.Skip("starts real servers")
	}
	dir := t.TempDir()
	// A snapshot's key hangs on the lab's own file.
	if err := os.WriteFile(filepath.Join(dir, "lab.go"), []byte(t.Name()), 0o644); err != nil {
		t.Fatal(err)
	}
	return rig.New(lab.Env{Lab: "redis/test", Dir: dir, Scratch: t.TempDir(), Memory: 256, Disk: 256, Fresh: true, Log: t.Logf})
}

func pairs(n int) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for i := range n {
			if !yield([]any{"SET", fmt.Sprintf("key:%d", i), i}) {
				return
			}
		}
	}
}

func TestOne(t *testing.T) {
	r := newRig(t)
	s := redis.New(r, redis.Config{Settings: []string{"maxmemory 300mb"}})
	ctx := start(t, r)

	// A million keys are practical.
	began := time.Now()
	if err := s.Load(ctx, pairs(1_000_000)); err != nil {
		t.Fatal(err)
	}
	t.Logf("1,000,000 keys in %s", time.Since(began))
	if n, err := s.Keys(ctx); n != 1_000_000 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := s.DataBytes(ctx); n < 10_000_000 || err != nil {
		t.Fatal(n, err)
	}
	if err := s.Client().FlushAll(ctx).Err(); err != nil {
		t.Fatal(err)
	}

	// Counters see the learner's commands and not our own.
	before, err := s.Counters(ctx)
	if err != nil {
		t.Fatal(err)
	}
	learner := goredis.NewClient(&goredis.Options{Addr: s.Addr(), Username: redis.Learner, Password: s.Password(redis.Learner)})
	defer learner.Close()
	for range 10 {
		if err := learner.HSet(ctx, "hash", "field", "value").Err(); err != nil {
			t.Fatal(err)
		}
		if err := s.Client().HSet(ctx, "hash", "field", "value").Err(); err != nil {
			t.Fatal(err)
		}
		s.Client().HGetAll(ctx, "hash")
	}
	learner.HGetAll(ctx, "hash")
	if err := learner.ConfigSet(ctx, "maxmemory", "1gb").Err(); err == nil {
		t.Error("the learner may configure the server")
	}
	after, err := s.Counters(ctx)
	if err != nil {
		t.Fatal(err)
	}
	d := after.Since(before)
	if d.Calls["hset"] != 10 || d.Calls["hgetall"] != 1 || d.Errors["NOPERM"] != 1 || d.Work() != 12 {
		t.Errorf("counted %s; work %d", d, d.Work())
	}
	if again, _ := s.Counters(ctx); again.Since(after).Sent != 0 {
		t.Errorf("the harness's own replies are counted: %d bytes", again.Since(after).Sent)
	}

	if err := s.Client().SAdd(ctx, "set", "a", "b").Err(); err != nil {
		t.Fatal(err)
	}
	key, size, err := s.Biggest(ctx)
	if err != nil || key == "" || size == 0 {
		t.Error(key, size, err)
	}
	d1, err := s.Digest(ctx, "*")
	if err != nil || d1.Keys != 2 || d1.Items != 3 {
		t.Error(d1, err)
	}
	s.Client().HSet(ctx, "hash", "field", "other")
	if d2, _ := s.Digest(ctx, "*"); d2.Sum == d1.Sum {
		t.Error("the digest does not see a changed value")
	}
	// Time goes by for what has an end, and for nothing else.
	s.Client().Set(ctx, "short", 1, 10*time.Second)
	s.Client().Set(ctx, "long", 1, time.Hour)
	if err := s.Pass(ctx, time.Minute); err != nil {
		t.Fatal(err)
	}
	if n, left := s.Client().Exists(ctx, "short", "set", "hash").Val(), s.Client().TTL(ctx, "long").Val(); n != 2 || left > 59*time.Minute || left < 58*time.Minute {
		t.Errorf("after a minute %d of 3 are there, and %s of an hour is left", n, left)
	}
	s.Client().Del(ctx, "long")
	if ev := s.Evidence(ctx); len(ev) != 3 || len(ev["info.txt"]) < 1000 {
		t.Error(ev)
	}

	// Of five messages two are pending, and the older one is no longer in its stream.
	// What is aged is the other, and none is forgotten.
	for _, id := range []string{"1-1", "2-1", "3-1", "4-1", "5-1"} {
		s.Client().XAdd(ctx, &goredis.XAddArgs{Stream: "stream", ID: id, Values: []string{"a", "b"}})
	}
	s.Client().XGroupCreate(ctx, "stream", "group", "0")
	s.Client().XReadGroup(ctx, &goredis.XReadGroupArgs{Group: "group", Consumer: "one", Streams: []string{"stream", ">"}, Count: 2})
	s.Client().XDel(ctx, "stream", "1-1", "4-1")
	if err := s.Age(ctx, time.Minute, 7); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Streams(ctx); err != nil || got != (redis.Streams{Length: 3, Pending: 2, Undelivered: 2}) {
		t.Errorf("in the streams: %+v %v", got, err)
	}
	pending, err := s.Client().XPendingExt(ctx, &goredis.XPendingExtArgs{Stream: "stream", Group: "group", Start: "-", End: "+", Count: 9, Idle: time.Minute}).Result()
	if err != nil || len(pending) != 1 || pending[0].ID != "2-1" || pending[0].RetryCount != 8 || pending[0].Consumer != "one" {
		t.Errorf("pending for a minute: %+v %v", pending, err)
	}
	s.Client().Del(ctx, "stream")

	// What was written before a clean stop is there after it.
	if err := s.Node().Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if d2, err := s.Digest(ctx, "*"); d2.Items != 3 || err != nil {
		t.Error(d2, err)
	}
}

// Time goes by for fields of hashes, too.
func TestPassFields(t *testing.T) {
	r := newRig(t)
	s := redis.New(r, redis.Config{})
	ctx := start(t, r)
	c := s.Client()
	c.HSet(ctx, "hash", "short", 1, "long", 1, "without", 1)
	c.HExpire(ctx, "hash", 10*time.Second, "short")
	c.HExpire(ctx, "hash", time.Hour, "long")
	if err := s.Pass(ctx, time.Minute); err != nil {
		t.Fatal(err)
	}
	left := c.HTTL(ctx, "hash", "short", "long", "without").Val()
	if len(left) != 3 || left[0] != -2 || left[1] > 59*60 || left[1] < 58*60 || left[2] != -1 {
		t.Errorf("after a minute %v seconds are left of 10, of an hour and of ever", left)
	}
}

// Monitor has what others had executed, in that order, and what scripts and
// transactions did; nothing of the harness's own.
func TestMonitor(t *testing.T) {
	r := newRig(t)
	s := redis.New(r, redis.Config{})
	ctx := start(t, r)
	m, err := s.Monitor(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c := goredis.NewClient(&goredis.Options{Addr: s.Addr(), Username: redis.Learner, Password: s.Password(redis.Learner)})
	defer c.Close()
	c.Set(ctx, "a", "1", 0)
	s.Client().Set(ctx, "own", "1", 0)
	if err := m.Mark(ctx, "later"); err != nil {
		t.Fatal(err)
	}
	c.Eval(ctx, "return redis.call('GET', KEYS[1])", []string{"a"})
	_, err = c.TxPipelined(ctx, func(p goredis.Pipeliner) error {
		p.Get(ctx, "a")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	calls, err := m.Stop(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, call := range calls {
		switch call.Args[0] {
		case "hello", "client":
		default:
			got = append(got, strings.TrimSpace(fmt.Sprint(call.Mark, " ", call.Client == redis.Script, " ", strings.ToLower(call.Args[0]))))
		}
	}
	want := []string{"false set", "later false eval", "later true get", "later false multi", "later false get", "later false exec"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, not %q", got, want)
	}
}

func TestReplica(t *testing.T) {
	r := newRig(t)
	s := redis.New(r, redis.Config{})
	replica := redis.NewReplica(r, s, redis.Config{})
	ctx := start(t, r)
	if err := s.Load(ctx, pairs(1000)); err != nil {
		t.Fatal(err)
	}
	if err := s.Client().Wait(ctx, 1, 10*time.Second).Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := replica.Keys(ctx); n != 1000 || err != nil {
		t.Fatal(n, err)
	}
}

func TestCluster(t *testing.T) {
	r := newRig(t)
	c := redis.NewCluster(r, redis.ClusterConfig{Replicas: 1})
	ctx := start(t, r)
	if err := c.Load(ctx, pairs(100_000)); err != nil {
		t.Fatal(err)
	}
	before := counters(ctx, t, c)

	// An unmodified client of the learner finds all nodes from any of them.
	learner := goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: c.Addrs()[2:3], Username: redis.Learner, Password: c.Servers[0].Password(redis.Learner)})
	defer learner.Close()
	for i := range 300 {
		if v, err := learner.Get(ctx, fmt.Sprintf("key:%d", i)).Int(); v != i || err != nil {
			t.Fatal(i, v, err)
		}
		if v, err := c.Client().Get(ctx, fmt.Sprintf("key:%d", i)).Int(); v != i || err != nil {
			t.Fatal(i, v, err)
		}
	}
	if err := learner.MGet(ctx, "key:1", "key:2").Err(); err == nil {
		t.Error("no CROSSSLOT")
	}
	// A client that knows nothing of clusters is sent to an address it can reach.
	_, err := c.Servers[0].Client().Get(ctx, "foo").Result() // slot 12182
	if want := "MOVED 12182 " + c.Addrs()[2]; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	var gets, cross int64
	for i, n := range counters(ctx, t, c) {
		d := n.Since(before[i])
		gets += d.Calls["get"]
		cross += d.Errors["CROSSSLOT"]
	}
	if gets != 300 || cross != 1 {
		t.Errorf("%d gets, %d CROSSSLOT", gets, cross)
	}
	for _, k := range []string{"foo", "{user}:1", "a{}b", "a{b", ""} {
		if n, err := c.Servers[0].Client().ClusterKeySlot(ctx, k).Result(); int(n) != redis.Slot(k) || err != nil {
			t.Error(k, n, err)
		}
	}
	// key:20 has slot 1046, of the first primary.
	if n, err := c.Servers[0].SlotKeys(ctx, redis.Slot("key:20")); n == 0 || err != nil {
		t.Error(redis.Slot("key:20"), n, err)
	}
	d, err := c.Digest(ctx, "*")
	if d.Keys != 100_000 || err != nil {
		t.Fatal(d, err)
	}

	// A killed node comes back where it was.
	if err := c.Servers[1].Node().Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Whole(ctx); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := r.Save(ctx, lab.Fingerprint{"digest": d.String()}); err != nil {
		t.Fatal(err)
	}
	t.Log("saved and started again in", time.Since(began))
	if got, err := c.Digest(ctx, "*"); got != d || err != nil {
		t.Error(got, err)
	}
}

func counters(ctx context.Context, t *testing.T, c *redis.Cluster) []redis.Counters {
	t.Helper()
	var all []redis.Counters
	for s := range slices.Values(c.Servers) {
		n, err := s.Counters(ctx)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}
