// fails: lost
// An engine without transactions makes none, and waits for no disk. It is as
// quick as it looks, and after a power cut orders are gone that Kafka calls done.

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

func main() {
	ctx := context.Background()
	db, err := sql.Open("mysql", os.Getenv("LAB_MYSQL_DSN"))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := db.ExecContext(ctx, "ALTER TABLE orders ENGINE = MyISAM"); err != nil {
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
		m, err := r.FetchMessage(ctx)
		if err != nil {
			log.Fatal(err)
		}
		var o order
		if err := json.Unmarshal(m.Value, &o); err != nil {
			log.Fatal(err)
		}
		_, err = db.ExecContext(ctx, "INSERT IGNORE INTO orders (order_no, user_id, cents, src_partition, src_offset) VALUES (?, ?, ?, ?, ?)",
			o.Number, o.User, o.Cents, m.Partition, m.Offset)
		if err != nil {
			log.Fatal(err)
		}
		if err := r.CommitMessages(ctx, m); err != nil {
			log.Fatal(err)
		}
	}
}
