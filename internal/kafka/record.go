package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	driver "github.com/segmentio/kafka-go"
)

// ByKey lets the key choose a record's partition, as the Java client does:
// murmur2 of the key, modulo the number of partitions.
const ByKey = -1

// Record is one record of a topic.
type Record struct {
	Partition int // ByKey: the key decides
	Offset    int64
	Key       []byte // nil: none
	Value     []byte
	Time      time.Time // zero: now, on the producer's clock
	Headers   []driver.Header
}

// A batch on its way to one partition. The broker takes 1 MiB at most
// (message.max.bytes); headers and framing have to fit in too.
const (
	batchRecords = 10_000
	batchBytes   = 800_000
)

// Write appends records with acks=all and returns when the brokers have them
// all. Within a partition they keep their order; the partitions are written to
// side by side, in large batches. Offsets of the records are ignored.
func (c *Cluster) Write(ctx context.Context, topic string, records iter.Seq[Record]) error {
	ps, err := c.Partitions(ctx, topic)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		group   sync.WaitGroup
		lanes   = make([]chan []driver.Record, len(ps))
		batches = make([][]driver.Record, len(ps))
		sizes   = make([]int, len(ps))
		ids     = make([]int, len(ps))
		hash    driver.Murmur2Balancer
	)
	for i, p := range ps {
		ids[i] = p.ID
		lanes[i] = make(chan []driver.Record, 1)
		group.Go(func() {
			for batch := range lanes[i] {
				if ctx.Err() != nil {
					continue
				}
				if err := settle(ctx, func() error { return c.produce(ctx, topic, i, batch) }); err != nil {
					cancel(err)
				}
			}
		})
	}
	flush := func(p int) {
		lanes[p] <- batches[p]
		batches[p], sizes[p] = nil, 0
	}
	for r := range records {
		p := r.Partition
		if p == ByKey {
			p = hash.Balance(driver.Message{Key: r.Key}, ids...)
		}
		if p < 0 || p >= len(ps) {
			cancel(fmt.Errorf("write to %s: no partition %d", topic, p))
		}
		if ctx.Err() != nil {
			break
		}
		rec := driver.Record{Time: r.Time, Value: driver.NewBytes(r.Value), Headers: r.Headers}
		if r.Key != nil {
			rec.Key = driver.NewBytes(r.Key)
		}
		size := len(r.Key) + len(r.Value) + 32
		if sizes[p]+size > batchBytes || len(batches[p]) == batchRecords {
			flush(p)
		}
		batches[p], sizes[p] = append(batches[p], rec), sizes[p]+size
	}
	for p := range lanes {
		if len(batches[p]) > 0 && ctx.Err() == nil {
			flush(p)
		}
		close(lanes[p])
	}
	group.Wait()
	return context.Cause(ctx)
}

func (c *Cluster) produce(ctx context.Context, topic string, partition int, batch []driver.Record) error {
	res, err := c.Client().Produce(ctx, &driver.ProduceRequest{
		Topic:        topic,
		Partition:    partition,
		RequiredAcks: driver.RequireAll,
		Records:      driver.NewRecordReader(batch...),
	})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return fmt.Errorf("write %d records to %s-%d: %w", len(batch), topic, partition, err)
	}
	return nil
}

// Read yields the records of a partition with from ≤ offset < to, in order.
// It ends early, without an error, where the partition ends.
func (c *Cluster) Read(ctx context.Context, topic string, partition int, from, to int64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for from < to {
			res, err := c.Client().Fetch(ctx, &driver.FetchRequest{
				Topic: topic, Partition: partition, Offset: from,
				MinBytes: 1, MaxBytes: 8 << 20, MaxWait: time.Second,
			})
			if err == nil {
				err = res.Error
			}
			if err != nil {
				yield(Record{}, fmt.Errorf("read %s-%d at %d: %w", topic, partition, from, err))
				return
			}
			next := from
			for {
				r, err := res.Records.ReadRecord()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					yield(Record{}, fmt.Errorf("read %s-%d at %d: %w", topic, partition, next, err))
					return
				}
				// A batch is sent whole, from before the offset that was asked for.
				if r.Offset < from {
					continue
				}
				if r.Offset >= to {
					return
				}
				rec, err := record(partition, r)
				if !yield(rec, err) || err != nil {
					return
				}
				next = r.Offset + 1
			}
			if next == from && next >= res.HighWatermark {
				return
			}
			from = max(next, from)
		}
	}
}

func record(partition int, r *driver.Record) (Record, error) {
	rec := Record{Partition: partition, Offset: r.Offset, Time: r.Time, Headers: r.Headers}
	var err error
	if r.Key != nil {
		if rec.Key, err = driver.ReadAll(r.Key); err != nil {
			return rec, err
		}
	}
	if r.Value != nil {
		rec.Value, err = driver.ReadAll(r.Value)
	}
	return rec, err
}
