// fails: doubled
// shows: is there 2 times
// Batches, and offsets committed after the write: nothing is ever lost. Killed
// between the two, the batch comes again and is inserted again, all of it.
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

func write(ctx context.Context, db *sql.DB, batch []kafka.Message) error {
	args := make([]any, 0, 3*len(batch))
	for _, m := range batch {
		var o order
		if err := json.Unmarshal(m.Value, &o); err != nil {
			return err
		}
		args = append(args, o.Number, o.User, o.Cents)
	}
	rows := strings.Repeat(", (?, ?, ?)", len(batch))[2:]
	_, err := db.ExecContext(ctx, "INSERT INTO orders (order_no, user_id, cents) VALUES "+rows, args...)
	return err
}
