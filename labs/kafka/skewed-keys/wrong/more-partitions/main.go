// fails: skew
// shows: of wave
// More partitions, more consumers. One key is still one partition; the others
// get even less, and merchants whose key now hashes elsewhere are torn in two.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// event is what the gateway needs to know of an order event.
type event struct {
	Merchant string `json:"merchant"`
	Order    int    `json:"order"`
	Seq      int    `json:"seq"` // 1 created, 2 paid, 3 shipped, 4 delivered
}

func main() {
	grow(64)
	w := &kafka.Writer{
		Addr:         kafka.TCP(strings.Split(os.Getenv("LAB_KAFKA_BROKERS"), ",")...),
		Topic:        os.Getenv("LAB_TOPIC"),
		Balancer:     kafka.Murmur2Balancer{}, // the partition that Java clients choose for a key, too
		RequiredAcks: kafka.RequireAll,
		BatchSize:    1000,
		BatchTimeout: 5 * time.Millisecond,
	}
	http.HandleFunc("POST /events", func(rw http.ResponseWriter, req *http.Request) {
		msgs, err := read(req)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		// The shop may forget the events once we have answered.
		if err := w.WriteMessages(context.Background(), msgs...); err != nil {
			log.Print(err)
			http.Error(rw, err.Error(), http.StatusInternalServerError)
		}
	})
	log.Fatal(http.ListenAndServe(os.Getenv("LAB_LISTEN"), nil))
}

// read turns a request, one event a line, into records.
func read(req *http.Request) ([]kafka.Message, error) {
	var msgs []kafka.Message
	lines := bufio.NewScanner(req.Body)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, err
		}
		msgs = append(msgs, kafka.Message{
			Key:   []byte(e.Merchant),
			Value: []byte(lines.Text()),
		})
	}
	return msgs, lines.Err()
}

// grow gives the topic more partitions.
func grow(n int32) {
	c := kafka.Client{Addr: kafka.TCP(strings.Split(os.Getenv("LAB_KAFKA_BROKERS"), ",")...)}
	_, err := c.CreatePartitions(context.Background(), &kafka.CreatePartitionsRequest{
		Topics: []kafka.TopicPartitionsConfig{{Name: os.Getenv("LAB_TOPIC"), Count: n}},
	})
	if err != nil {
		log.Fatal(err)
	}
}
