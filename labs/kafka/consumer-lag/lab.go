// Package consumerlag is the lab kafka/consumer-lag: a consumer that writes
// every record to MySQL in a transaction of its own can't keep up.
package consumerlag

import (
	"context"
	"time"

	"faultlab/internal/kafka"
	"faultlab/internal/lab"
	"faultlab/internal/mysql"
	"faultlab/internal/rig"
)

// Lab is the lab.
var Lab = &lab.Lab{
	Name:    "kafka/consumer-lag",
	Title:   "Orders reach the database an hour late, and later every minute",
	Level:   lab.Medium,
	Minutes: 45,
	Engines: []string{"kafka", "mysql"},
	Memory:  1100,
	Disk:    800,
	Notes: []lab.Source{
		{File: "004_7543862ffd92f53d.txt", First: 20922, Last: 20991},
		{File: "004_7543862ffd92f53d.txt", First: 21227, Last: 21265},
		{File: "004_7543862ffd92f53d.txt", First: 23379, Last: 23425},
		{File: "004_7543862ffd92f53d.txt", First: 2255, Last: 2358},
	},
	Fix: lab.Program(),
	Checks: []lab.Check{
		lab.AtMost("transactions", 100).Symptom().
			Else("MySQL still makes a transaction durable for every few orders: that is what the writer waits for"),
		lab.Equal("lag", 0).
			Else("orders wait in the topic, or the group's offsets don't say that they were written: the end of a burst must get through, too"),
		lab.Equal("lost", 0).
			Else("orders that the group's offsets call done are not in MySQL, and never will be"),
		lab.Equal("doubled", 0).
			Else("orders are in MySQL more than once: what was written before the writer was killed was written again"),
		lab.Equal("committed-ahead", 0).
			Else("the group's offsets were ahead of MySQL, while a write waited or after it had failed: had the machine died there, those orders would be gone"),
	},
	New: newRun,
}

type run struct {
	env   lab.Env
	kafka *kafka.Cluster
	mysql *mysql.Server
	hours int           // measured so far
	took  time.Duration // by the first of them
}

// writer is the account of the learner's program. It may do what it likes to
// the tables of its own databases, and nothing to the server.
const writer = "writer"

const tables = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP, CREATE TEMPORARY TABLES ON `shop%`.*"

func newRun(env lab.Env) lab.Run {
	r := rig.New(env)
	x := &run{
		env:   env,
		kafka: kafka.New(r, kafka.Config{Front: true}),
		mysql: mysql.New(r, mysql.Config{
			Grants: map[string][]string{
				writer:        {tables},
				mysql.Learner: {tables, "SELECT, PROCESS ON *.*"},
			},
		}),
	}
	return lab.Run{
		Rig: r, Seed: x.seed, Fingerprint: x.fingerprint, Measure: x.measure, Play: x.play,
		// start/ waits for the disk some thousand times; where others use the
		// disk, too, that takes a minute instead of ten seconds.
		Limits: map[lab.Phase]time.Duration{lab.Measure: 5 * time.Minute, lab.Remeasure: 5 * time.Minute},
	}
}

// measure runs the variant's writer through a bad hour on a topic, a group and
// a database of its own: a backlog, two bursts in which it is killed, and a
// few late orders.
func (x *run) measure(ctx context.Context, v lab.Variant, r *lab.Readings) error {
	began := time.Now()
	s, err := x.open(ctx, v)
	if err != nil {
		return err
	}
	defer s.close()
	for _, step := range []func(context.Context) error{
		s.backlog,
		s.killWhileWriting,
		s.killBeforeCommit,
		s.lateOrders,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if x.took == 0 {
		x.took = time.Since(began)
	}
	return s.readings(ctx, r)
}

// backlog is what has piled up when the writer starts.
func (s *service) backlog(ctx context.Context) error {
	if err := s.produce(ctx, 600); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	return s.until(ctx, "a third of the backlog is in MySQL", func(now state) bool { return now.rows >= 200 })
}

// killWhileWriting keeps the table locked, so that the writer hangs in its
// write; that write fails, and the writer is killed: nothing of it may count as done.
func (s *service) killWhileWriting(ctx context.Context) error {
	unlock, err := s.lockTable(ctx)
	if err != nil {
		return err
	}
	defer unlock() //nolint:errcheck // the writer is gone, and with it whoever waits for the lock
	if err := s.produce(ctx, 200); err != nil {
		return err
	}
	if err := s.until(ctx, "the writer waits for the table", func(now state) bool { return now.waiting > 0 }); err != nil {
		return err
	}
	if err := s.watch(ctx, s.interval()); err != nil {
		return err
	}
	if _, err := s.mysql.Disconnect(ctx, writer); err != nil {
		return err
	}
	if err := s.watch(ctx, time.Second); err != nil {
		return err
	}
	if err := s.kill(ctx); err != nil {
		return err
	}
	if err := unlock(); err != nil {
		return err
	}
	return s.start(ctx)
}

// killBeforeCommit holds the writer's offset commits back and kills it when
// one has been sent: what it has written will come to its successor again.
func (s *service) killBeforeCommit(ctx context.Context) error {
	s.front.Hold(kafka.APIOffsetCommit, kafka.APITxnOffsetCommit)
	defer s.front.Release()
	if err := s.produce(ctx, 200); err != nil {
		return err
	}
	if err := s.until(ctx, "the writer commits offsets", func(now state) bool { return now.held > 0 }); err != nil {
		return err
	}
	if err := s.kill(ctx); err != nil {
		return err
	}
	if err := s.sample(ctx); err != nil {
		return err
	}
	s.front.Release()
	// What comes next time is not just what came before.
	if err := s.produce(ctx, 137); err != nil {
		return err
	}
	return s.start(ctx)
}

// lateOrders are too few to fill a batch; then comes a single one.
func (s *service) lateOrders(ctx context.Context) error {
	for _, n := range []int{0, 1} {
		if err := s.produce(ctx, n); err != nil {
			return err
		}
		if err := s.until(ctx, "the group has no lag", func(now state) bool { return now.lag == 0 }); err != nil {
			return err
		}
	}
	return nil
}

// readings holds what is in MySQL against what was produced.
func (s *service) readings(ctx context.Context, r *lab.Readings) error {
	if err := s.whole(ctx); err != nil {
		return err
	}
	committed, rows, err := s.compare(ctx)
	if err != nil {
		return err
	}
	now, err := s.look(ctx)
	if err != nil {
		return err
	}
	transactions, syncs, err := s.count(ctx)
	if err != nil {
		return err
	}
	per := 1000 / float64(s.produced)
	r.Set("transactions", "per 1,000 orders", float64(transactions-s.transactions)*per)
	r.Set("log-syncs", "per 1,000 orders", float64(syncs-s.syncs)*per)
	r.Set("offset-commits", "per 1,000 orders", float64(s.front.Seen(kafka.APIOffsetCommit))*per)
	r.Set("lag", "orders", float64(now.lag))
	lost, first := s.missing(committed, rows)
	doubled, one := s.doubled(rows)
	r.Note("lost", "%s", first)
	r.Note("doubled", "%s", one)
	r.Note("committed-ahead", "%s", s.aheadAt)
	r.Set("lost", "orders", float64(lost))
	r.Set("doubled", "rows", float64(doubled))
	r.Set("committed-ahead", "orders", float64(s.ahead))
	return nil
}
