// Command gateway takes the shops' order events over HTTP and publishes them to
// Kafka. It chooses partitions itself: a merchant has the one that its name
// hashes to; each new order of a merchant who is big just now goes to the
// partition that has got the fewest records so far, and stays there.
package main

import (
	"bufio"
	"context"
	"encoding/json"
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
		Balancer:     &spread{recent: map[string]int{}, orders: map[int]int{}},
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

// spread is a partitioner.
type spread struct {
	mu     sync.Mutex
	ring   []string       // merchants of the last events, oldest first
	recent map[string]int // how often each is in ring
	load   []int          // records by partition
	orders map[int]int    // partition of each order under way
}

// Balance returns the partition of a message.
func (s *spread) Balance(m kafka.Message, partitions ...int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := m.WriterData.(event)
	if len(s.load) < len(partitions) {
		s.load = append(s.load, make([]int, len(partitions)-len(s.load))...)
	}
	p, under := s.orders[e.Order]
	if !under {
		p = kafka.Murmur2Balancer{}.Balance(m, partitions...)
		if s.big(e.Merchant) {
			for i := range partitions {
				if s.load[i] < s.load[p] {
					p = i
				}
			}
		}
		s.orders[e.Order] = p
	}
	if e.Seq == 4 {
		delete(s.orders, e.Order)
	}
	s.see(e.Merchant)
	s.load[p]++
	return p
}

func (s *spread) see(merchant string) {
	s.ring = append(s.ring, merchant)
	s.recent[merchant]++
	if len(s.ring) > 2000 {
		s.recent[s.ring[0]]--
		s.ring = s.ring[1:]
	}
}

// big says whether a merchant had a twentieth of the last 2000 events.
func (s *spread) big(merchant string) bool { return s.recent[merchant] > 100 }
