package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	driver "github.com/segmentio/kafka-go"

	"faultlab/internal/kafka"
	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/rig"
)

// up starts a cluster on a rig of its own, which ends with the test.
func up(t *testing.T, seed uint64, c kafka.Config) (context.Context, *kafka.Cluster, *rig.Rig, bool) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts brokers")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "seed.go"), []byte(t.Name()), 0o644)) // part of the snapshot's key
	r := rig.New(lab.Env{Lab: "kafka/test", Dir: dir, Scratch: t.TempDir(), Seed: seed, Log: t.Logf})
	cl := kafka.New(r, c)
	t.Cleanup(func() {
		if err := r.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	})
	began := time.Now()
	_, seeded, err := r.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d brokers up after %s", max(1, c.Brokers), time.Since(began).Round(time.Millisecond))
	return ctx, cl, r, seeded
}

func records(n, size int) func(yield func(kafka.Record) bool) {
	return func(yield func(kafka.Record) bool) {
		value := []byte(strings.Repeat("x", size))
		for i := range n {
			if !yield(kafka.Record{Partition: kafka.ByKey, Key: fmt.Append(nil, "user-", i%997), Value: value}) {
				return
			}
		}
	}
}

func sum(list []int64) (n int64) {
	for _, x := range list {
		n += x
	}
	return n
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// One broker does all that labs need, and a snapshot of it keeps the records
// and the groups' offsets.
func TestOneBroker(t *testing.T) {
	ctx, c, r, _ := up(t, uint64(time.Now().UnixNano()), kafka.Config{Front: true})

	check(t, c.Create(ctx, kafka.Topic{Name: "orders", Partitions: 6, Config: map[string]string{"retention.ms": "1000000"}}))
	began := time.Now()
	check(t, c.Write(ctx, "orders", records(1_000_000, 100)))
	t.Logf("wrote 1,000,000 records of 100 bytes in %s", time.Since(began).Round(time.Millisecond))
	ends, err := c.Ends(ctx, "orders")
	check(t, err)
	if sum(ends) != 1_000_000 {
		t.Fatalf("ends %v", ends)
	}

	began = time.Now()
	var read int64
	for rec, err := range c.Read(ctx, "orders", 2, 1000, ends[2]) {
		check(t, err)
		if rec.Offset != 1000+read || len(rec.Value) != 100 || rec.Partition != 2 {
			t.Fatalf("record %d is %+v", read, rec)
		}
		read++
	}
	if read != ends[2]-1000 {
		t.Errorf("read %d records of %d", read, ends[2]-1000)
	}
	t.Logf("read %d of them in %s", read, time.Since(began).Round(time.Millisecond))

	check(t, c.Trim(ctx, "orders", 3, 77))
	starts, err := c.Starts(ctx, "orders")
	check(t, err)
	if want := []int64{0, 0, 0, 77, 0, 0}; !slices.Equal(starts, want) {
		t.Errorf("starts %v, want %v", starts, want)
	}

	check(t, c.Alter(ctx, "orders", map[string]string{"retention.ms": "", "max.message.bytes": "500000"}))
	conf, err := c.Config(ctx, "orders")
	check(t, err)
	if conf["retention.ms"] != "-1" || conf["max.message.bytes"] != "500000" {
		t.Errorf("configuration %v", conf)
	}

	check(t, c.Create(ctx, kafka.Topic{Name: "small"}))
	check(t, c.Grow(ctx, "small", 3))
	check(t, c.Write(ctx, "small", records(10, 1)))
	check(t, c.Drop(ctx, "small", "never-there"))
	check(t, measure.Until(ctx, "small is gone", func(ctx context.Context) (string, bool, error) {
		_, err := c.Ends(ctx, "small")
		if errors.Is(err, kafka.ErrNoTopic) {
			return "", true, nil
		}
		return "still there", false, err
	}))

	// A group: one real member, who reads and commits.
	lag, err := c.Lag(ctx, "readers", "orders")
	check(t, err)
	if sum(lag) != 1_000_000-77 {
		t.Errorf("lag before the first commit: %v", lag)
	}
	check(t, c.Commit(ctx, "readers", "orders", ends))
	check(t, c.Write(ctx, "orders", records(500, 10)))
	front, err := c.Front()
	check(t, err)
	defer front.Close()
	reader := driver.NewReader(driver.ReaderConfig{
		Brokers: []string{front.Addr()}, GroupID: "readers", Topic: "orders",
		MaxWait: 100 * time.Millisecond, JoinGroupBackoff: 100 * time.Millisecond, SessionTimeout: 6 * time.Second,
	})
	for range 500 {
		m, err := reader.FetchMessage(ctx)
		check(t, err)
		check(t, reader.CommitMessages(ctx, m))
	}
	lag, err = c.Lag(ctx, "readers", "orders")
	check(t, err)
	if sum(lag) != 0 {
		t.Errorf("lag after all was read: %v", lag)
	}
	if n := front.Seen(kafka.APIOffsetCommit); n != 500 {
		t.Errorf("the front saw %d commits of 500", n)
	}
	g, err := c.Group(ctx, "readers")
	check(t, err)
	if g.State != "Stable" || len(g.Members) != 1 || len(g.Members[0].Partitions["orders"]) != 6 {
		t.Errorf("group %+v", g)
	}

	// A commit that is held back is not made, and its client can't know.
	check(t, c.Write(ctx, "orders", records(10, 10)))
	front.Hold(kafka.APIOffsetCommit)
	m, err := reader.FetchMessage(ctx)
	check(t, err)
	go reader.CommitMessages(ctx, m)
	check(t, measure.Until(ctx, "a commit is held", func(context.Context) (string, bool, error) {
		return "", front.Held() > 0, nil
	}))
	check(t, front.Close())
	check(t, c.Evict(ctx, "readers"))
	check(t, measure.Until(ctx, "the group is empty", func(ctx context.Context) (string, bool, error) {
		g, err := c.Group(ctx, "readers")
		return g.State, g.State == "Empty", err
	}))
	reader.Close()
	lag, err = c.Lag(ctx, "readers", "orders")
	check(t, err)
	if sum(lag) != 10 {
		t.Errorf("lag after a commit that was held: %v", lag)
	}

	for name, text := range c.Broker(1).Evidence(ctx) {
		t.Logf("%s:\n%s", name, text)
		if !strings.Contains(text, "orders") {
			t.Errorf("%s does not speak of orders", name)
		}
	}

	ends, err = c.Ends(ctx, "orders")
	check(t, err)
	began = time.Now()
	check(t, r.Save(ctx, lab.Fingerprint{}))
	t.Logf("saved and started again in %s", time.Since(began).Round(time.Millisecond))
	again, err := c.Ends(ctx, "orders")
	check(t, err)
	lag, err = c.Lag(ctx, "readers", "orders")
	check(t, err)
	if !slices.Equal(ends, again) || sum(lag) != 10 {
		t.Errorf("after the snapshot: ends %v, were %v; lag %v", again, ends, lag)
	}
}

// Three brokers go on without one of them, and a snapshot of three forms the
// same cluster again.
func TestThreeBrokers(t *testing.T) {
	ctx, c, r, _ := up(t, uint64(time.Now().UnixNano()), kafka.Config{Brokers: 3})
	check(t, c.Create(ctx, kafka.Topic{Name: "orders", Partitions: 6}))
	check(t, c.Write(ctx, "orders", records(10_000, 100)))

	began := time.Now()
	check(t, r.Save(ctx, lab.Fingerprint{}))
	t.Logf("saved and started again in %s", time.Since(began).Round(time.Millisecond))
	ends, err := c.Ends(ctx, "orders")
	check(t, err)
	if sum(ends) != 10_000 {
		t.Errorf("ends after the snapshot: %v", ends)
	}

	check(t, c.Broker(3).Node().Kill(ctx))
	check(t, measure.Until(ctx, "two brokers lead all", func(ctx context.Context) (string, bool, error) {
		ps, err := c.Partitions(ctx, "orders")
		for _, p := range ps {
			if p.Leader.ID == 3 || p.Leader.Host == "" || len(p.Isr) != 2 {
				return fmt.Sprintf("%d is led by %d, %d in sync", p.ID, p.Leader.ID, len(p.Isr)), false, nil
			}
		}
		return "", err == nil, err
	}))
	check(t, measure.Until(ctx, "writing works", func(ctx context.Context) (string, bool, error) {
		err := c.Write(ctx, "orders", records(1000, 100))
		return "", err == nil, err
	}))
	began = time.Now()
	check(t, c.Broker(3).Node().Start(ctx))
	check(t, measure.Until(ctx, "all are in sync", func(ctx context.Context) (string, bool, error) {
		ps, err := c.Partitions(ctx, "orders")
		for _, p := range ps {
			if len(p.Isr) != 3 {
				return fmt.Sprintf("%d: %d in sync", p.ID, len(p.Isr)), false, nil
			}
		}
		return "", err == nil, err
	}))
	t.Logf("the third broker is back in sync after %s", time.Since(began).Round(time.Millisecond))
}
