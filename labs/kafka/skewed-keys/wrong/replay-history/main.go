// fails: doubled
// When a merchant becomes big, its orders that have begun move to partitions of
// their own: their earlier events are published there once more, so that each
// order is complete in its new place. Readers have acted on them already.
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
		msgs = append(msgs, route(e, lines.Text())...)
	}
	return msgs, lines.Err()
}

var (
	mu      sync.Mutex
	seen    = map[string]int{}
	history = map[string]map[int][]string{} // a merchant's orders under way, with their events
)

// route returns the records that an event becomes.
func route(e event, text string) (msgs []kafka.Message) {
	mu.Lock()
	defer mu.Unlock()
	seen[e.Merchant]++
	if seen[e.Merchant] > 500 {
		key := []byte(fmt.Sprintf("%s/%d", e.Merchant, e.Order))
		for _, old := range history[e.Merchant][e.Order] {
			msgs = append(msgs, kafka.Message{Key: key, Value: []byte(old)})
		}
		delete(history[e.Merchant], e.Order)
		return append(msgs, kafka.Message{Key: key, Value: []byte(text)})
	}
	if history[e.Merchant] == nil {
		history[e.Merchant] = map[int][]string{}
	}
	history[e.Merchant][e.Order] = append(history[e.Merchant][e.Order], text)
	return []kafka.Message{{Key: []byte(e.Merchant), Value: []byte(text)}}
}
