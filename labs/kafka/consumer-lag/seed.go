package consumerlag

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"

	"faultlab/internal/kafka"
	"faultlab/internal/lab"
)

// What the learner finds: a morning's orders, of which the writer has got
// through the first few.
const (
	morning = 48_000
	written = 2_000
)

// seed leaves the topic, the group and the table of the service as they are on
// the morning of the story.
func (x *run) seed(ctx context.Context) error {
	if err := x.kafka.Create(ctx, kafka.Topic{Name: "orders", Partitions: partitions}); err != nil {
		return err
	}
	if err := x.mysql.Exec(ctx, schema); err != nil {
		return err
	}
	tx, err := x.mysql.Admin().BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	defer tx.Rollback()
	insert, err := tx.PrepareContext(ctx, "INSERT INTO orders (order_no, user_id, cents) VALUES (?, ?, ?)")
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	defer insert.Close()
	rnd := rand.New(rand.NewPCG(1, 3))
	done := make([]int64, partitions)
	var records []kafka.Record
	for n := range morning {
		o := order{Number: 4_000_000_000 + int64(n)*7, User: 1 + rnd.Int64N(500), Cents: 100 + rnd.Int64N(90_000)}
		p := int(o.User) % partitions
		body, err := json.Marshal(o)
		if err != nil {
			return err
		}
		records = append(records, kafka.Record{Partition: p, Key: fmt.Append(nil, o.User), Value: body})
		if n < written {
			done[p]++
			if _, err := insert.ExecContext(ctx, o.Number, o.User, o.Cents); err != nil {
				return fmt.Errorf("seed: %w", err)
			}
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	if err := x.kafka.Write(ctx, "orders", slices.Values(records)); err != nil {
		return err
	}
	return x.kafka.Commit(ctx, "order-writer", "orders", done)
}

// fingerprint is what the seed left.
func (x *run) fingerprint(ctx context.Context) (lab.Fingerprint, error) {
	ends, err := x.kafka.Ends(ctx, "orders")
	if err != nil {
		return nil, err
	}
	var rows int
	err = x.mysql.Admin().QueryRowContext(ctx, "SELECT COUNT(*) FROM orders").Scan(&rows)
	return lab.Fingerprint{"orders.ends": fmt.Sprint(ends), "orders.rows": fmt.Sprint(rows)}, err
}
