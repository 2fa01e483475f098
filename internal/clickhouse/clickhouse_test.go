package clickhouse_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"faultlab/internal/clickhouse"
	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/rig"
)

// start brings the rig's servers up and takes them down after the test.
func start(t *testing.T, make func(*rig.Rig)) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("starts real servers")
	}
	r := rig.New(lab.Env{Lab: "test/" + t.Name(), Log: t.Logf, Memory: 2048, Disk: 1000})
	make(r)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	t.Cleanup(func() {
		if err := r.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	})
	if _, _, err := r.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

func exec(t *testing.T, ctx context.Context, s *clickhouse.Server, statements ...string) {
	t.Helper()
	for _, st := range statements {
		if err := s.Admin().Exec(ctx, st); err != nil {
			t.Fatalf("%s: %v", st, err)
		}
	}
}

func TestReadings(t *testing.T) {
	var s *clickhouse.Server
	ctx := start(t, func(r *rig.Rig) { s = clickhouse.New(r, clickhouse.Config{}) })
	exec(t, ctx, s, "CREATE DATABASE shop",
		"CREATE TABLE shop.t (a UInt64, b UInt64) ENGINE = MergeTree ORDER BY a",
		"INSERT INTO shop.t SELECT number, number % 7 FROM numbers(100000)")

	tagged, id := clickhouse.Tag(ctx)
	var n uint64
	if err := s.Admin().QueryRow(tagged, "SELECT sum(b) FROM shop.t WHERE a BETWEEN 10 AND 20").Scan(&n); err != nil {
		t.Fatal(err)
	}
	costs, err := s.Costs(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if c := costs[0]; c.ReadRows != 8192 || c.Marks != 1 || c.Parts != 1 || c.ResultRows != 1 {
		t.Errorf("cost of a lookup: %+v", c)
	}
	ix, err := s.Indexes(ctx, "SELECT sum(b) FROM shop.t WHERE a BETWEEN ? AND ?", 10, 20)
	if err != nil {
		t.Fatal(err)
	}
	if last := ix[len(ix)-1]; last.Type != "PrimaryKey" || last.Granules != 1 || last.Of < 12 {
		t.Errorf("indexes: %+v", ix)
	}
	parts, err := s.Parts(ctx, "shop")
	if err != nil || len(parts) != 1 || parts[0].Rows != 100000 {
		t.Errorf("parts: %+v, %v", parts, err)
	}
	before, err := s.Digest(ctx, "shop.t", []string{"a", "b"}, "")
	if err != nil || before.Rows != 100000 {
		t.Errorf("digest: %v, %v", before, err)
	}
	exec(t, ctx, s, "ALTER TABLE shop.t UPDATE b = 1 WHERE a = 5")
	after, err := s.Digest(ctx, "shop.t", []string{"a", "b"}, "")
	if err != nil || after.Rows != before.Rows || after.Sum == before.Sum {
		t.Errorf("digest of changed table: %v, before %v, %v", after, before, err)
	}
	for _, wait := range []func(context.Context, string) error{s.Mutated, s.Merged, s.Tidy} {
		if err := wait(ctx, "shop"); err != nil {
			t.Error(err)
		}
	}
	events, err := s.PartLog(ctx, "shop", "t")
	if err != nil || events["NewPart"].Count != 1 || events["MutatePart"].Count != 1 {
		t.Errorf("part_log: %+v, %v", events, err)
	}
	if disk, err := s.Disk(ctx); err != nil || disk == 0 {
		t.Errorf("disk: %d, %v", disk, err)
	}
	for _, name := range []string{"processes", "parts", "tables", "merges", "mutations", "errors", "queries"} {
		if text := s.Evidence(ctx)[name+".txt"]; !strings.HasPrefix(text, "-- SELECT") || strings.Contains(text, "code:") {
			t.Errorf("evidence %s: %s", name, text)
		}
	}
}

// TestSnapshot stops a server while it merges, and starts it from what it left.
func TestSnapshot(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real servers")
	}
	ctx := t.Context()
	env := lab.Env{Lab: "test/clickhouse-snapshot", Log: t.Logf, Memory: 2048, Disk: 1000, Fresh: true}
	r := rig.New(env)
	s := clickhouse.New(r, clickhouse.Config{})
	defer func() {
		if err := r.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	}()
	if _, _, err := r.Start(ctx); err != nil {
		t.Fatal(err)
	}
	exec(t, ctx, s, "CREATE DATABASE shop", "CREATE TABLE shop.t (a UInt64, b String) ENGINE = MergeTree ORDER BY a",
		"CREATE TABLE shop.spare AS shop.t", "INSERT INTO shop.spare VALUES (1, 'one')")
	err := s.Load(ctx, "shop.t", "a, b", 300_000, 10_000, func(from, to int) []any {
		a, b := make([]uint64, to-from), make([]string, to-from)
		for i := range a {
			a[i], b[i] = uint64(from+i), fmt.Sprint("row ", from+i)
		}
		return []any{a, b}
	})
	if err != nil {
		t.Fatal(err)
	}
	digest := func() clickhouse.Digest {
		d, err := s.Digest(ctx, "shop.t", []string{"a", "b"}, "")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	before := digest()
	if before.Rows != 300_000 {
		t.Errorf("loaded %d rows", before.Rows)
	}
	if err := r.Save(ctx, lab.Fingerprint{"t": before.String()}); err != nil {
		t.Fatal(err)
	}
	if after := digest(); after != before {
		t.Errorf("after the snapshot: %v, before: %v", after, before)
	}
	// What the image's layers hold can be taken apart as well.
	exec(t, ctx, s, "DETACH TABLE shop.t SYNC", "ATTACH TABLE shop.t",
		"ALTER TABLE shop.t DETACH PARTITION tuple()", "ALTER TABLE shop.t ATTACH PARTITION tuple()",
		"DROP TABLE shop.spare SYNC")
	if after := digest(); after != before {
		t.Errorf("after DETACH and ATTACH: %v, before: %v", after, before)
	}
	tagged, id := clickhouse.Tag(ctx)
	exec(t, tagged, s, "INSERT INTO shop.t SELECT number, 'new' FROM numbers(10)")
	if _, err := s.Costs(ctx, id); err != nil {
		t.Errorf("query_log of a server from a snapshot: %v", err)
	}
	if err := s.Node().Kill(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Node().Start(ctx); err != nil {
		t.Fatal(err)
	}
	if after := digest(); after.Rows != before.Rows+10 {
		t.Errorf("after SIGKILL: %d rows, want %d", after.Rows, before.Rows+10)
	}
}

func TestApply(t *testing.T) {
	var s *clickhouse.Server
	ctx := start(t, func(r *rig.Rig) {
		s = clickhouse.New(r, clickhouse.Config{
			Grants:          []string{"SELECT, INSERT, CREATE TABLE ON shop.*"},
			LearnerSettings: map[string]string{"max_threads": "1"},
		})
	})
	exec(t, ctx, s, "CREATE DATABASE shop")
	apply := func(ctx context.Context, sql string) error {
		return s.Apply(ctx, lab.Variant{Name: "fix", Files: map[string]string{"fix.sql": sql}}, "fix.sql", nil)
	}
	wantFault := func(err error, words ...string) {
		t.Helper()
		var f *lab.Fault
		if !errors.As(err, &f) || f.Check != lab.ApplyCheck {
			t.Errorf("not blamed on the fix: %v", err)
			return
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q is not in: %v", w, err)
			}
		}
	}
	// One session: a setting lasts to the next statement.
	if err := apply(ctx, `
CREATE TABLE shop.t (a UInt64) ENGINE = MergeTree ORDER BY a;
SET max_block_size = 7; -- lasts
SELECT throwIf(getSetting('max_block_size') != 7 OR getSetting('max_threads') != 1);
INSERT INTO shop.t VALUES (1), (2);
SELECT * FROM shop.t;`); err != nil {
		t.Error(err)
	}
	wantFault(apply(ctx, "SELECT 1;\n\nSELECT nothing FROM shop.t;"), "fix.sql line 3", "nothing", "SELECT nothing FROM shop.t")
	wantFault(apply(ctx, "DROP TABLE shop.t"), "fix.sql line 1", "Not enough privileges")
	wantFault(apply(ctx, "SELECT * FROM url('http://127.0.0.1', CSV, 'a Int8')"), "Not enough privileges")

	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	wantFault(apply(short, "SELECT sleepEachRow(1) FROM numbers(60) SETTINGS max_block_size = 1"), "still running", "killed")
	err := measure.Until(ctx, "the hanging statement is gone", func(ctx context.Context) (string, bool, error) {
		var n uint64
		err := s.Admin().QueryRow(ctx, "SELECT count() FROM system.processes WHERE user = 'learner'").Scan(&n)
		return fmt.Sprint(n, " processes"), n == 0, err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestDeadline wants the harness's own deadlines to stay out of the server's settings.
func TestDeadline(t *testing.T) {
	var s *clickhouse.Server
	ctx := start(t, func(r *rig.Rig) { s = clickhouse.New(r, clickhouse.Config{}) })
	tagged, _ := clickhouse.Tag(ctx)
	for _, ctx := range []context.Context{ctx, tagged} {
		var limit float64
		if err := s.Admin().QueryRow(ctx, "SELECT toFloat64(getSetting('max_execution_time'))").Scan(&limit); err != nil || limit != 0 {
			t.Errorf("max_execution_time is %v, %v", limit, err)
		}
	}
}

func TestCluster(t *testing.T) {
	var cl *clickhouse.Cluster
	ctx := start(t, func(r *rig.Rig) {
		cl = clickhouse.NewCluster(r, 2, clickhouse.Config{
			Name: "shard", Memory: 1 << 30, Grants: []string{"SELECT ON shop.*"},
		})
	})
	for _, s := range cl.Shards {
		exec(t, ctx, s, "CREATE DATABASE shop",
			"CREATE TABLE shop.t (a UInt64) ENGINE = MergeTree ORDER BY a",
			"CREATE TABLE shop.all AS shop.t ENGINE = Distributed(shard, shop, t, a)")
	}
	first := cl.Shards[0]
	exec(t, ctx, first, "INSERT INTO shop.all SELECT number FROM numbers(10000) SETTINGS distributed_foreground_insert = 1")
	for _, s := range cl.Shards {
		var here, all uint64
		if err := s.Admin().QueryRow(ctx, "SELECT (SELECT count() FROM shop.t), (SELECT count() FROM shop.all)").Scan(&here, &all); err != nil {
			t.Fatal(err)
		}
		if here != 5000 || all != 10000 {
			t.Errorf("%s has %d rows and sees %d", s.Name(), here, all)
		}
	}
	// As the learner, too: the servers trust each other with who asks.
	learner, err := first.Open(clickhouse.Learner, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer learner.Close()
	var n uint64
	if err := learner.QueryRow(ctx, "SELECT sum(a) FROM shop.all").Scan(&n); err != nil || n != 49995000 {
		t.Errorf("the learner sees a sum of %d, %v", n, err)
	}
	if err := learner.Exec(ctx, "INSERT INTO shop.t VALUES (1)"); clickhouse.Refusal(err) == nil {
		t.Errorf("the learner may insert: %v", err)
	}
	if err := cl.Shards[1].Node().Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if err := first.Admin().QueryRow(ctx, "SELECT sum(a) FROM shop.all").Scan(&n); clickhouse.Refusal(err) == nil {
		t.Errorf("with a shard gone: %d, %v", n, err)
	}
	if err := cl.Shards[1].Node().Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := first.Admin().QueryRow(ctx, "SELECT sum(a) FROM shop.all").Scan(&n); err != nil || n != 49995000 {
		t.Errorf("with the shard back: %d, %v", n, err)
	}
}

func TestPolicy(t *testing.T) {
	var s *clickhouse.Server
	ctx := start(t, func(r *rig.Rig) {
		s = clickhouse.New(r, clickhouse.Config{Policies: []clickhouse.Policy{
			{Name: "tiered", Volumes: []clickhouse.Volume{{Name: "hot"}, {Name: "cold"}}},
		}})
	})
	exec(t, ctx, s, "CREATE DATABASE shop", `
		CREATE TABLE shop.t (day Date, a UInt64) ENGINE = MergeTree PARTITION BY toYYYYMM(day) ORDER BY a
		SETTINGS storage_policy = 'tiered'`,
		"INSERT INTO shop.t SELECT '2025-01-01', number FROM numbers(1000)",
		"INSERT INTO shop.t SELECT '2026-01-01', number FROM numbers(1000)",
		"ALTER TABLE shop.t MOVE PARTITION 202501 TO VOLUME 'cold'")
	parts, err := s.Parts(ctx, "shop")
	if err != nil {
		t.Fatal(err)
	}
	on := map[string]string{}
	for _, p := range parts {
		on[p.Partition] = p.Disk
	}
	if on["202501"] != "cold" || on["202601"] != "hot" {
		t.Errorf("partitions by disk: %v", on)
	}
}
