package main

import (
	"maps"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// parse reads a list such as "cache-2=10.0.0.7:6379,cache-1=10.0.0.4:6379".
func parse(text string) map[string]string {
	list := map[string]string{}
	for entry := range strings.SplitSeq(strings.TrimSpace(text), ",") {
		if name, addr, ok := strings.Cut(entry, "="); ok {
			list[name] = addr
		}
	}
	return list
}

// nodes are those of the last list. The library places keys by the nodes' names, by
// rendezvous hashing.
type nodes struct {
	*redis.Ring
	addrs map[string]string
}

func connect(list map[string]string) *nodes {
	return &nodes{addrs: list, Ring: redis.NewRing(&redis.RingOptions{
		Addrs:         maps.Clone(list),
		Username:      os.Getenv("LAB_REDIS_USER"),
		Password:      os.Getenv("LAB_REDIS_PASSWORD"),
		MaxRetries:    -1,
		DialerRetries: 1,
		ReadTimeout:   time.Minute,
		WriteTimeout:  time.Minute,
		NewClient: func(o *redis.Options) *redis.Client {
			o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
			return redis.NewClient(o)
		},
	})}
}
