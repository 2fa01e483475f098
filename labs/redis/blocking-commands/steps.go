package blocking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"faultlab/internal/redis"
)

// step is what the server does without looking at anybody else meanwhile: a
// command, a script, a transaction.
type step struct {
	mark     string
	text     string // its first command
	elements int    // that it went through
	most     string // its longest command
	at       int
}

// steps says for each call which of the steps it belongs to.
func steps(calls []redis.Call) (all []*step, of []*step) {
	open := map[string]*step{} // transactions, by client
	var last *step
	for _, c := range calls {
		name := strings.ToLower(c.Args[0])
		s := open[c.Client]
		switch {
		case c.Client == redis.Script:
			s = last // what the script belongs to
		case s == nil || name == "multi":
			s = &step{mark: c.Mark, text: text(c)}
			all = append(all, s)
		}
		switch name {
		case "multi":
			open[c.Client] = s
		case "exec", "discard":
			delete(open, c.Client)
		}
		if s == nil { // the script is older than the monitor
			s = &step{mark: c.Mark, text: text(c)}
			all = append(all, s)
		}
		s.mark = c.Mark // a transaction is done when its last command is
		last = s
		of = append(of, s)
	}
	return all, of
}

// text is the beginning of a command, whose names are the program's.
func text(c redis.Call) string {
	return fmt.Sprintf("%.70s", strings.Join(c.Args[:min(4, len(c.Args))], " "))
}

// again does what the server has done once more, command by command, and counts
// the elements that each went through. The server itself counts none.
func (t *trial) again(ctx context.Context, calls []redis.Call) error {
	all, of := steps(calls)
	conn := t.redis.Client().Conn()
	defer conn.Close()
	db := 0
	const batch = 200 // a KEYS of everything may be among them each time
	for from := 0; from < len(calls); from += batch {
		to := min(from+batch, len(calls))
		p := conn.Pipeline()
		var asked []func() int
		for _, c := range calls[from:to] {
			if c.DB != db {
				db = c.DB
				p.Do(ctx, "SELECT", db)
			}
			asked = append(asked, ask(ctx, p, c))
		}
		if _, err := p.Exec(ctx); err != nil && !redis.IsReply(err) {
			return fmt.Errorf("do again what was done: %w", err)
		}
		for i, elements := range asked {
			s, n := of[from+i], elements()
			s.elements += n
			if n > s.at {
				s.at, s.most = n, text(calls[from+i])
			}
		}
	}
	if err := conn.Select(ctx, 0).Err(); err != nil { // it goes back to the others
		return fmt.Errorf("do again what was done: %w", err)
	}
	expired, err := t.expired(ctx)
	if err != nil {
		return err
	}
	all = append(all, expired...)
	for _, mark := range []string{"longest-list", "longest-export", "longest-removal", "longest-other"} {
		longest := &step{}
		for _, s := range all {
			if s.mark == mark && s.elements > longest.elements {
				longest = s
			}
		}
		t.r.Set(mark, "elements", float64(longest.elements))
		seen := longest.text
		if longest.most != longest.text {
			seen += " … in which the longest is " + longest.most
		}
		t.r.Note(mark, "%s", seen)
	}
	return nil
}

// How to see what a command goes through. What is in none of these is taken to
// go through all of each key that it names, and to free it.
var (
	// Those that go through what they are given or what they return.
	light = words(`append decr decrby exists expiretime get getbit getrange hdel hexists hget hgetall hgetdel hgetex hincrby
		hincrbyfloat hkeys hlen hmget hmset hrandfield hset hsetex hsetnx hstrlen hvals incr incrby incrbyfloat llen lmove
		lmpop lpop lpush lpushx lrange mget move object persist pexpiretime pttl randomkey renamenx rpop rpoplpush rpush rpushx
		sadd scard setnx sismember smembers smismember smove spop srandmember srem strlen substr touch ttl type unlink
		xack xadd xdel xlen xrange xread xrevrange zadd zcard zcount zincrby zlexcount zmpop zmscore zpopmax zpopmin
		zrandmember zrange zrangebylex zrangebyscore zrank zrem zrevrange zrevrangebylex zrevrangebyscore zrevrank zscore`)
	// Those that return how many they removed.
	removing = words(`zremrangebylex zremrangebyrank zremrangebyscore xtrim`)
	scanning = words(`scan hscan sscan zscan`)
	ending   = words(`expire pexpire expireat pexpireat`)
	pairs    = words(`hset hmset mset zadd`)
	// Those that touch no data, or whose calls come by themselves.
	passing = words(`multi exec discard watch unwatch eval evalsha eval_ro evalsha_ro fcall fcall_ro script function select ping
		echo hello auth client command info dbsize config slowlog latency memory acl cluster publish reset quit readonly monitor`)
)

func words(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}

// ask sends a call, and before it what must be known then, and says when it is
// answered how many elements it went through.
func ask(ctx context.Context, p goredis.Pipeliner, c redis.Call) (elements func() int) {
	name := strings.ToLower(c.Args[0])
	given := len(c.Args) - 2
	if pairs[name] {
		given /= 2
	}
	if name == "memory" && option(c.Args, "samples", 5) == 0 { // of all of it
		return size(ctx, p, c.Args[2])
	}
	if passing[name] {
		return func() int { return weight(c.Args) }
	}
	var before []func() int
	var count int
	switch {
	case light[name], removing[name], ending[name]:
	case name == "keys":
		all := p.DBSize(ctx)
		before = append(before, func() int { return int(all.Val()) })
	case name == "rename": // frees what it overwrites
		if len(c.Args) > 2 {
			before = append(before, size(ctx, p, c.Args[2]))
		}
	case scanning[name]:
		count = option(c.Args, "count", 10)
		if name != "scan" && len(c.Args) > 1 { // a small one, all of it, whatever COUNT says
			all, coded := size(ctx, p, c.Args[1]), p.ObjectEncoding(ctx, c.Args[1])
			before = append(before, func() int {
				if e := coded.Val(); e == "hashtable" || e == "skiplist" {
					return 0
				}
				return all()
			})
		}
	default:
		for _, key := range slices.Compact(slices.Sorted(slices.Values(c.Args[1:]))) {
			before = append(before, size(ctx, p, key))
		}
	}
	if ending[name] && len(c.Args) > 1 { // see expired
		p.Do(ctx, "EXPIRE", c.Args[1], 1_000_000)
		return func() int { return 1 }
	}
	args := make([]any, len(c.Args))
	for i, a := range c.Args {
		args[i] = a
	}
	reply := p.Do(ctx, args...)
	return func() int {
		if err := reply.Err(); redis.IsReply(err) && !errors.Is(err, goredis.Nil) {
			return 1 // refused: nothing was done
		}
		n := max(1, given)
		for _, f := range before {
			n = max(n, f())
		}
		if scanning[name] { // what it returns is about as much
			return max(n, count)
		}
		v := reply.Val()
		if i, ok := v.(int64); ok && removing[name] {
			n = max(n, int(i))
		}
		in, bytes := contents(v)
		if slices.ContainsFunc(c.Args, withBoth) {
			in /= 2
		}
		return max(n, in+option(c.Args, "limit", 0), bytes/kib, weight(c.Args))
	}
}

// withBoth makes a reply two elements for each one.
func withBoth(arg string) bool {
	return strings.EqualFold(arg, "withscores") || strings.EqualFold(arg, "withvalues")
}

// kib is how many bytes count like an element.
const kib = 1024

// weight is what arguments count for by their bytes.
func weight(args []string) int {
	n := 0
	for _, a := range args {
		n += len(a)
	}
	return n / kib
}

// size is how many elements a key has.
func size(ctx context.Context, p goredis.Pipeliner, key string) func() int {
	counts := []*goredis.IntCmd{p.HLen(ctx, key), p.SCard(ctx, key), p.ZCard(ctx, key), p.LLen(ctx, key), p.XLen(ctx, key)}
	bytes := p.StrLen(ctx, key)
	return func() int {
		n := int(bytes.Val()) / kib
		for _, c := range counts { // all but one are refused
			n = max(n, int(c.Val()))
		}
		return n
	}
}

// option is the number behind a word.
func option(args []string, word string, otherwise int) int {
	for i, a := range args[:len(args)-1] {
		if strings.EqualFold(a, word) {
			if n, err := strconv.Atoi(args[i+1]); err == nil {
				return n
			}
		}
	}
	return otherwise
}

// contents are the elements of a reply, and their bytes.
func contents(v any) (elements, bytes int) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			n, b := contents(x)
			elements, bytes = elements+n, bytes+b
		}
		return elements, bytes
	case map[any]any:
		for k, x := range v {
			_, b := contents(k)
			n, c := contents(x)
			elements, bytes = elements+n, bytes+b+c
		}
		return elements, bytes
	case string:
		return 1, len(v)
	}
	return 1, 0
}

// expired are the keys that the server frees, or has freed, when their time has
// come, which is nobody's command. Done again, none of them has ended.
func (t *trial) expired(ctx context.Context) (list []*step, err error) {
	err = t.redis.ScanAll(ctx, func(c *goredis.Conn, keys []string) error {
		ends := make([]*goredis.DurationCmd, len(keys))
		_, err := c.Pipelined(ctx, func(p goredis.Pipeliner) error {
			for i, key := range keys {
				ends[i] = p.TTL(ctx, key)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("look for keys that expire: %w", err)
		}
		sizes := map[string]func() int{}
		p := c.Pipeline()
		for i, key := range keys {
			if ends[i].Val() > 0 {
				sizes[key] = size(ctx, p, key)
			}
		}
		if _, err := p.Exec(ctx); err != nil && !redis.IsReply(err) {
			return fmt.Errorf("look for keys that expire: %w", err)
		}
		for key, elements := range sizes {
			text := fmt.Sprintf("the end of %.60s, by EXPIRE", key)
			list = append(list, &step{mark: "longest-removal", text: text, most: text, elements: elements()})
		}
		return nil
	})
	return list, err
}

// slowlog shows what the server's own clock said of it.
func (t *trial) slowlog(ctx context.Context) error {
	entries, err := t.redis.Client().SlowLogGet(ctx, -1).Result()
	if err != nil {
		return fmt.Errorf("read the slow log: %w", err)
	}
	for _, e := range entries {
		if e.ClientName != redis.Admin {
			t.slow++
			t.slowest = max(t.slowest, e.Duration)
		}
	}
	return nil
}
