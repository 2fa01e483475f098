package main

import (
	"cmp"
	"hash/crc32"
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

// of is the node that has a key.
func (n *nodes) of(key string) node {
	return n.list[int(crc32.ChecksumIEEE([]byte(key)))%len(n.list)]
}
