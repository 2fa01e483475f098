// fails: skew
// The notes' SkewPartitioner: big keys go to one half of the partitions, the
// others to the other half. Inside its half a key is hashed as before, and the
// hash of one key is one partition.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"hash/fnv"
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
		Balancer:     kafka.BalancerFunc((&skewPartitioner{seen: map[string]int{}}).balance),
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

type skewPartitioner struct {
	mu   sync.Mutex
	seen map[string]int
}

func (s *skewPartitioner) balance(m kafka.Message, partitions ...int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[string(m.Key)]++
	h := fnv.New32a()
	h.Write(m.Key)
	half := len(partitions) / 2
	p := int(h.Sum32()>>1) % half
	if s.seen[string(m.Key)] > 1000 {
		return partitions[p]
	}
	return partitions[half+p]
}
