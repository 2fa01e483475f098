package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
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

// points is how many places a node has on the ring.
const points = 200

// point is a place on the ring. All before it, up to the point before, is the node's.
type point struct {
	at   uint64
	node int // in the list
}

// nodes are those of the last list, on a ring.
type nodes struct {
	list []node
	ring []point
}

// connect makes clients for a list, with those of the last list where a node is
// where it was.
func connect(list []node, last *nodes) *nodes {
	n := &nodes{list: list}
	var old []node
	if last != nil {
		old = slices.Clone(last.list)
	}
	for i := range n.list {
		x := &n.list[i]
		for p := range points {
			// By its name: a node's address, and its place in the list, may change.
			n.ring = append(n.ring, point{hash(fmt.Sprintf("%s#%d", x.name, p)), i})
		}
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
	slices.SortFunc(n.ring, func(a, b point) int { return cmp.Compare(a.at, b.at) })
	return n
}

// hash mixes well: points of one node, and names that differ in one letter, lie anywhere.
func hash(s string) uint64 {
	sum := sha256.Sum256([]byte(s))
	return binary.BigEndian.Uint64(sum[:])
}

// has says whether a node of that name is among them.
func (n *nodes) has(name string) bool {
	return slices.ContainsFunc(n.list, func(x node) bool { return x.name == name })
}

// of is the node that has a key.
func (n *nodes) of(key string) node {
	i, _ := slices.BinarySearchFunc(n.ring, hash(key), func(p point, at uint64) int { return cmp.Compare(p.at, at) })
	return n.list[n.ring[i%len(n.ring)].node]
}
