// Command gateway takes the shops' order events over HTTP and publishes them to
// Kafka. The first quarter of the partitions is for merchants of ordinary size,
// by merchant; the rest is for the orders of big ones, by order.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"hash/fnv"
	"log"
	"net/http"
	"os"
	"strconv"
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
		Balancer:     kafka.BalancerFunc((&zones{seen: map[string]int{}, orders: map[int]bool{}}).balance),
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
			Key:        []byte(e.Merchant),
			Value:      []byte(lines.Text()),
			WriterData: e,
		})
	}
	return msgs, lines.Err()
}

type zones struct {
	mu     sync.Mutex
	seen   map[string]int // events by merchant, halved every thousand events
	events int
	orders map[int]bool // orders under way, and whether they went to the big zone
}

func (z *zones) balance(m kafka.Message, partitions ...int) int {
	z.mu.Lock()
	defer z.mu.Unlock()
	e := m.WriterData.(event)
	z.seen[e.Merchant]++
	if z.events++; z.events%1000 == 0 {
		for merchant := range z.seen {
			z.seen[merchant] /= 2
		}
	}
	big, under := z.orders[e.Order]
	if !under {
		big = z.seen[e.Merchant] > 200
		z.orders[e.Order] = big
	}
	if e.Seq == 4 {
		delete(z.orders, e.Order)
	}
	ordinary := len(partitions) / 4
	if big {
		return partitions[ordinary+hash(strconv.Itoa(e.Order))%(len(partitions)-ordinary)]
	}
	return partitions[hash(e.Merchant)%ordinary]
}

func hash(s string) int {
	h := fnv.New32a()
	h.Write([]byte(s))
	return int(h.Sum32() >> 1)
}
