// fails: rows-left
// shows: to cache-1, cache-3, cache-4, cache-5, MySQL gave
// Jump hashing on the sorted list: even, nothing to keep, and perfect for a fifth
// node. But its buckets are numbers from 0 to n-1, so it can lose the last one only.

package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// node is one of the cache's servers.
type node struct {
	name, addr string
	*redis.Client
}

// parse reads a list such as "cache-2=10.0.0.7:6379,cache-1=10.0.0.4:6379".
func parse(text string) (list []node) {
	for entry := range strings.SplitSeq(strings.TrimSpace(text), ",") {
		if name, addr, ok := strings.Cut(entry, "="); ok {
			list = append(list, node{name: name, addr: addr})
		}
	}
	return list
}

// nodes are those of the last list.
type nodes struct {
	list []node // by name: it reaches the instances in any order
}

// connect makes clients for a list, with those of the last list where a node is
// where it was.
func connect(list []node, last *nodes) *nodes {
	n := &nodes{list: list}
	slices.SortFunc(n.list, func(a, b node) int { return cmp.Compare(a.name, b.name) })
	var old []node
	if last != nil {
		old = slices.Clone(last.list)
	}
	for i := range n.list {
		x := &n.list[i]
		same := slices.IndexFunc(old, func(o node) bool { return o.name == x.name && o.addr == x.addr })
		if same >= 0 {
			x.Client = old[same].Client
			old = slices.Delete(old, same, same+1)
			continue
		}
		x.Client = redis.NewClient(&redis.Options{
			Addr:                     x.addr,
			Username:                 os.Getenv("LAB_REDIS_USER"),
			Password:                 os.Getenv("LAB_REDIS_PASSWORD"),
			MaxRetries:               -1, // a dead node is dead
			DialerRetries:            1,
			ReadTimeout:              time.Minute, // and a busy machine is not
			WriteTimeout:             time.Minute,
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		})
	}
	for _, o := range old {
		_ = o.Close()
	}
	return n
}

// has says whether a node of that name is among them.
func (n *nodes) has(name string) bool {
	return slices.ContainsFunc(n.list, func(x node) bool { return x.name == name })
}

// of is the node that has a key.
func (n *nodes) of(key string) node { return n.list[jump(hash(key), len(n.list))] }

// jump is the bucket of a key among n (Lamping and Veach). With one bucket more, only
// keys of the new one move.
func jump(key uint64, n int) int {
	b, j := -1, 0
	for j < n {
		b = j
		key = key*2862933555777941757 + 1
		j = int(float64(b+1) * (float64(1<<31) / float64(key>>33+1)))
	}
	return b
}

// hash mixes well: what differs in one letter lies anywhere.
func hash(s string) uint64 {
	sum := sha256.Sum256([]byte(s))
	return binary.BigEndian.Uint64(sum[:])
}
