// Command writer takes orders from Kafka and writes them to MySQL, together
// with the offset of the next order, in one transaction: what is written and
// how far we are can't disagree. Kafka's own offsets are for the dashboard.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"log"
	"os"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/segmentio/kafka-go"
)

type order struct {
	Number int64 `json:"order"`
	User   int64 `json:"user"`
	Cents  int64 `json:"cents"`
}

// A batch is written when it is full, or when its first order is this old.
const (
	full = 500
	late = 200 * time.Millisecond
)

func main() {
	ctx := context.Background()
	db, err := sql.Open("mysql", os.Getenv("LAB_MYSQL_DSN"))
	if err != nil {
		log.Fatal(err)
	}
	_, err = db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS progress (part INT PRIMARY KEY, next_offset BIGINT NOT NULL)")
	if err != nil {
		log.Fatal(err)
	}
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers:          strings.Split(os.Getenv("LAB_KAFKA_BROKERS"), ","),
		Topic:            os.Getenv("LAB_TOPIC"),
		GroupID:          os.Getenv("LAB_GROUP"),
		StartOffset:      kafka.FirstOffset,
		MaxWait:          100 * time.Millisecond,
		JoinGroupBackoff: 100 * time.Millisecond,
	})
	for {
		batch, err := next(ctx, r)
		if err != nil {
			log.Fatal(err)
		}
		if err := write(ctx, db, batch); err != nil {
			log.Fatal(err)
		}
		if err := r.CommitMessages(ctx, batch...); err != nil {
			log.Fatal(err)
		}
	}
}

// next returns what has come: it waits for the first message as long as it
// takes, and then for others until the batch is full or late.
func next(ctx context.Context, r *kafka.Reader) ([]kafka.Message, error) {
	m, err := r.FetchMessage(ctx)
	if err != nil {
		return nil, err
	}
	batch := []kafka.Message{m}
	wait, cancel := context.WithTimeout(ctx, late)
	defer cancel()
	for len(batch) < full {
		m, err := r.FetchMessage(wait)
		if wait.Err() != nil && ctx.Err() == nil {
			break
		}
		if err != nil {
			return nil, err
		}
		batch = append(batch, m)
	}
	return batch, nil
}

// write stores the orders that the table has not got yet. The row of a
// partition in progress is locked to the end of the transaction, so that a
// writer that was thought dead can't come in between.
func write(ctx context.Context, db *sql.DB, batch []kafka.Message) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	next := map[int]int64{}
	var args []any
	for _, m := range batch {
		if _, seen := next[m.Partition]; !seen {
			var offset int64
			err := tx.QueryRowContext(ctx, "SELECT next_offset FROM progress WHERE part = ? FOR UPDATE", m.Partition).Scan(&offset)
			if err != nil && err != sql.ErrNoRows {
				return err
			}
			next[m.Partition] = offset
		}
		if m.Offset < next[m.Partition] {
			continue
		}
		next[m.Partition] = m.Offset + 1
		var o order
		if err := json.Unmarshal(m.Value, &o); err != nil {
			return err
		}
		args = append(args, o.Number, o.User, o.Cents)
	}
	if len(args) > 0 {
		rows := strings.Repeat(", (?, ?, ?)", len(args)/3)[2:]
		if _, err := tx.ExecContext(ctx, "INSERT INTO orders (order_no, user_id, cents) VALUES "+rows, args...); err != nil {
			return err
		}
	}
	for part, offset := range next {
		if _, err := tx.ExecContext(ctx, "REPLACE INTO progress (part, next_offset) VALUES (?, ?)", part, offset); err != nil {
			return err
		}
	}
	return tx.Commit()
}
