// fails: big-merchant-partitions
// The salt comes from the order, so orders stay whole, and the merchant is
// found by counting. Four salts are four keys: at most four partitions, and two
// of them may well hash to the same one.
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
		msgs = append(msgs, kafka.Message{
			Key:   []byte(key(e)),
			Value: []byte(lines.Text()),
		})
	}
	return msgs, lines.Err()
}

var (
	mu     sync.Mutex
	seen   = map[string]int{}
	orders = map[int]string{}
)

func key(e event) string {
	mu.Lock()
	defer mu.Unlock()
	seen[e.Merchant]++
	k, ok := orders[e.Order]
	if !ok {
		k = e.Merchant
		if seen[e.Merchant] > 500 {
			k = fmt.Sprintf("%s#%d", e.Merchant, e.Order%4)
		}
		orders[e.Order] = k
	}
	return k
}
