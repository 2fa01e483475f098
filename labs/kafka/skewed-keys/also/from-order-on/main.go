// Command gateway takes the shops' order events over HTTP and publishes them to
// Kafka. It keeps no state for orders: their numbers only grow, so it is enough
// to know from which number on a big merchant's orders are spread.
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

func main() {
	w := &kafka.Writer{
		Addr:         kafka.TCP(strings.Split(os.Getenv("LAB_KAFKA_BROKERS"), ",")...),
		Topic:        os.Getenv("LAB_TOPIC"),
		Balancer:     kafka.Murmur2Balancer{}, // the partition that Java clients choose for a key, too
		RequiredAcks: kafka.RequireAll,
		BatchSize:    1000,
		BatchTimeout: 5 * time.Millisecond,
	}
	k := &keys{seen: map[string]int{}, from: map[string]int{}}
	http.HandleFunc("POST /events", func(rw http.ResponseWriter, req *http.Request) {
		msgs, err := read(req, k)
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

// keys chooses the keys of records.
type keys struct {
	mu      sync.Mutex
	seen    map[string]int // events by merchant since the start
	events  int
	highest int            // order number
	from    map[string]int // big merchants, and the first order of theirs that is spread
}

// of returns an event's key. A merchant who has had a hundredth of all events
// is big, and stays so: nothing is gained by taking it back.
func (k *keys) of(e event) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen[e.Merchant]++
	k.events++
	k.highest = max(k.highest, e.Order)
	from, big := k.from[e.Merchant]
	if !big {
		if n := k.seen[e.Merchant]; n > 100 && n > k.events/100 {
			k.from[e.Merchant] = k.highest + 1
		}
		return e.Merchant
	}
	if e.Order < from {
		return e.Merchant
	}
	return fmt.Sprintf("%s/%d", e.Merchant, e.Order)
}
