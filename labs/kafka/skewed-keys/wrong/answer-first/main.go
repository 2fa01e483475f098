// fails: lost
// The keys are right, and the gateway no longer waits for Kafka. As long as the
// broker takes everything nobody sees a difference; when it refuses a batch, the
// shop has its 200 and has forgotten the events.

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// event is what the gateway needs to know of an order event.
type event struct {
	Merchant string `json:"merchant"`
	Order    int    `json:"order"`
	Seq      int    `json:"seq"` // 1 created, 2 paid, 3 shipped, 4 delivered
}

const last = 4 // seq of an order's last event

func main() {
	w := &kafka.Writer{
		Addr:         kafka.TCP(strings.Split(os.Getenv("LAB_KAFKA_BROKERS"), ",")...),
		Topic:        os.Getenv("LAB_TOPIC"),
		Balancer:     kafka.Murmur2Balancer{}, // the partition that Java clients choose for a key, too
		RequiredAcks: kafka.RequireAll,
		BatchSize:    1000,
		BatchTimeout: 5 * time.Millisecond,
		Async:        true, // several times faster
	}
	k := &keys{recent: map[string]int{}, orders: map[int]string{}}
	http.HandleFunc("POST /events", func(rw http.ResponseWriter, req *http.Request) {
		msgs, err := read(req, k)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		if err := w.WriteMessages(context.Background(), msgs...); err != nil {
			log.Print(err)
			http.Error(rw, err.Error(), http.StatusInternalServerError)
		}
	})
	log.Fatal(http.ListenAndServe(os.Getenv("LAB_LISTEN"), nil))
}

// read turns a request, one event a line, into records.
func read(req *http.Request, k *keys) ([]kafka.Message, error) {
	var msgs []kafka.Message
	lines := bufio.NewScanner(req.Body)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, err
		}
		msgs = append(msgs, kafka.Message{
			Key:   []byte(k.of(e)),
			Value: []byte(lines.Text()),
		})
	}
	return msgs, lines.Err()
}

// An ordinary merchant has one event in two thousand. One that has had more
// than heavy of the last two thousand or so is big.
const (
	window = 1000
	heavy  = 100
)

// keys chooses the keys of records.
type keys struct {
	mu     sync.Mutex
	recent map[string]int // events by merchant in this window, and half of those before
	events int            // in this window
	orders map[int]string // the key of every order that is under way
}

// of returns an event's key: the merchant, or the order if the merchant is
// big. An order keeps the key that its first event got, so that all of its
// events stay in one partition when its merchant becomes big in between.
func (k *keys) of(e event) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.count(e.Merchant)
	key, under := k.orders[e.Order]
	if !under {
		key = e.Merchant
		if k.recent[e.Merchant] > heavy {
			key = fmt.Sprintf("%s/%d", e.Merchant, e.Order)
		}
		k.orders[e.Order] = key
	}
	if e.Seq == last {
		delete(k.orders, e.Order)
	}
	return key
}

// count remembers who was seen lately: what is older counts half with each
// window that has gone by since.
func (k *keys) count(merchant string) {
	k.recent[merchant]++
	if k.events++; k.events < window {
		return
	}
	k.events = 0
	for m, n := range k.recent {
		if k.recent[m] = n / 2; n < 2 {
			delete(k.recent, m)
		}
	}
}
