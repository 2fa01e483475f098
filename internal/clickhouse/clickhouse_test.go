package clickhouse_test

import (
	"context"
	"testing"
	"time"

	"faultlab/internal/clickhouse"
	"faultlab/internal/lab"
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
	for _, wait := range []func(context.Context, string) error{s.Mutated, s.Merged} {
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
	for name, text := range s.Evidence(ctx) {
		t.Logf("%s\n%s", name, text[:min(len(text), 300)])
	}
}
