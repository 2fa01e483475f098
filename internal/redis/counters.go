package redis

import (
	"context"
	"fmt"
	"maps"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	goredis "github.com/redis/go-redis/v9"
)

// Counters are a server's counters since it started, without what the harness
// itself did.
type Counters struct {
	// Calls is how often clients sent each command, by its name in INFO
	// commandstats ("hget", "client|setinfo"), also where it was refused (OOM,
	// MOVED, CROSSSLOT). What a script calls counts like what a client sends.
	Calls map[string]int64
	// Errors is the count of each kind of error reply: "OOM", "CROSSSLOT".
	Errors map[string]int64
	// Sent is bytes of replies.
	Sent int64
}

// Counters reads the server's counters.
func (s *Server) Counters(ctx context.Context) (Counters, error) {
	s.own.mu.Lock()
	own := maps.Clone(s.own.calls)
	s.own.mu.Unlock()
	read := s.own.read.Load()
	in, err := s.Info(ctx, "commandstats", "errorstats", "stats")
	if err != nil {
		return Counters{}, err
	}
	c := Counters{Calls: map[string]int64{}, Errors: map[string]int64{}, Sent: in.Int("total_net_output_bytes") - read}
	for field, v := range in {
		if name, ok := strings.CutPrefix(field, "cmdstat_"); ok {
			c.Calls[name] = stat(v, "calls") + stat(v, "rejected_calls") - own[name]
		}
		if name, ok := strings.CutPrefix(field, "errorstat_"); ok {
			c.Errors[name] = stat(v, "count")
		}
	}
	return c, nil
}

// stat picks one number of "calls=3,usec=17,…".
func stat(fields, name string) int64 {
	for f := range strings.SplitSeq(fields, ",") {
		if v, ok := strings.CutPrefix(f, name+"="); ok {
			n, _ := strconv.ParseInt(v, 10, 64)
			return n
		}
	}
	return 0
}

// Since is what was counted after b was read.
func (c Counters) Since(b Counters) Counters {
	d := Counters{Calls: map[string]int64{}, Errors: map[string]int64{}, Sent: c.Sent - b.Sent}
	for k, v := range c.Calls {
		d.Calls[k] = v - b.Calls[k]
	}
	for k, v := range c.Errors {
		d.Errors[k] = v - b.Errors[k]
	}
	return d
}

// Work is the number of commands that did something for the service: all but
// those that client libraries send by themselves to keep connections and to
// know the cluster.
func (c Counters) Work() int64 {
	var n int64
	for name, calls := range c.Calls {
		if !upkeep(name) {
			n += calls
		}
	}
	return n
}

func upkeep(name string) bool {
	group, _, _ := strings.Cut(name, "|")
	switch group {
	case "hello", "auth", "client", "select", "ping", "echo", "quit", "reset", "readonly", "readwrite",
		"command", "cluster", "info", "replconf", "psync", "replicaof":
		return true
	}
	return false
}

// String shows what is not 0.
func (c Counters) String() string {
	zero := func(_ string, n int64) bool { return n == 0 }
	calls, errs := maps.Clone(c.Calls), maps.Clone(c.Errors)
	maps.DeleteFunc(calls, zero)
	maps.DeleteFunc(errs, zero)
	return fmt.Sprintf("%v, errors %v, %d bytes sent", calls, errs, c.Sent)
}

// meter counts what the harness's own clients do to one server.
type meter struct {
	mu    sync.Mutex
	calls map[string]int64
	read  atomic.Int64
}

func (m *meter) count(cmds ...goredis.Cmder) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.calls == nil {
		m.calls = map[string]int64{}
	}
	for _, c := range cmds {
		m.calls[statName(c.Args())]++
	}
}

func (m *meter) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.calls)
	m.read.Store(0)
}

// statName is a command's name in INFO commandstats.
func statName(args []any) string {
	name, _ := args[0].(string)
	name = strings.ToLower(name)
	switch name {
	case "acl", "client", "cluster", "command", "config", "function", "latency", "memory", "module",
		"object", "pubsub", "script", "slowlog", "xgroup", "xinfo":
		if len(args) > 1 {
			if sub, ok := args[1].(string); ok {
				return name + "|" + strings.ToLower(sub)
			}
		}
	}
	return name
}

// DialHook leaves dialling alone: the handshake of a connection is upkeep.
func (m *meter) DialHook(next goredis.DialHook) goredis.DialHook { return next }

// ProcessHook counts a command.
func (m *meter) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		m.count(cmd)
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook counts the commands of a pipeline.
func (m *meter) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		m.count(cmds...)
		return next(ctx, cmds)
	}
}

// dial opens a connection whose incoming bytes are counted as our own.
func (m *meter) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &metered{Conn: c, read: &m.read}, nil
}

type metered struct {
	net.Conn
	read *atomic.Int64
}

func (c *metered) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read.Add(int64(n))
	return n, err
}
