package redis

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// page is how many keys are looked at in one round trip.
const page = 1000

// DataBytes is the memory of keys and values on the server, without buffers
// and what the server needs when it is empty (used_memory_dataset).
func (s *Server) DataBytes(ctx context.Context) (int64, error) {
	in, err := s.Info(ctx, "memory")
	return in.Int("used_memory_dataset"), err
}

// Keys is the number of keys on the server.
func (s *Server) Keys(ctx context.Context) (int64, error) {
	n, err := s.client.DBSize(ctx).Result()
	if err != nil {
		return 0, fmt.Errorf("dbsize of %s: %w", s.Name(), err)
	}
	return n, nil
}

// SlotKeys is the number of keys in a slot of the cluster's node.
func (s *Server) SlotKeys(ctx context.Context, slot int) (int64, error) {
	n, err := s.client.ClusterCountKeysInSlot(ctx, slot).Result()
	if err != nil {
		return 0, fmt.Errorf("count keys in slot %d of %s: %w", slot, s.Name(), err)
	}
	return n, nil
}

// Scan calls f with all keys that match pattern, some at a time; a key may
// come twice while others write.
func (s *Server) Scan(ctx context.Context, pattern string, f func(keys []string) error) error {
	return s.scan(ctx, s.client, pattern, "", f)
}

// scan is Scan by the client c of keys of a type, of all types if it is empty.
func (s *Server) scan(ctx context.Context, c goredis.Cmdable, pattern, kind string, f func(keys []string) error) error {
	var cursor uint64
	for {
		keys, next, err := c.ScanType(ctx, cursor, pattern, page, kind).Result()
		if err != nil {
			return fmt.Errorf("scan %s: %w", s.Name(), err)
		}
		if len(keys) > 0 {
			if err := f(keys); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// ScanAll is Scan of all keys in all databases that have some; c is where the
// database is selected of which there are keys.
func (s *Server) ScanAll(ctx context.Context, f func(c *goredis.Conn, keys []string) error) error {
	in, err := s.Info(ctx, "keyspace")
	if err != nil {
		return err
	}
	c := s.client.Conn()
	defer c.Close()
	for field := range in {
		db, err := strconv.Atoi(strings.TrimPrefix(field, "db"))
		if err != nil {
			continue
		}
		if err := c.Select(ctx, db).Err(); err != nil {
			return fmt.Errorf("select a database of %s: %w", s.Name(), err)
		}
		if err := s.scan(ctx, c, "*", "", func(keys []string) error { return f(c, keys) }); err != nil {
			return err
		}
	}
	return c.Select(ctx, 0).Err() // it goes back to the others
}

// Sizes calls f with every key and its MEMORY USAGE, all of its elements counted.
func (s *Server) Sizes(ctx context.Context, f func(key string, bytes int64)) error {
	return s.Scan(ctx, "*", func(keys []string) error {
		sizes := make([]*goredis.IntCmd, len(keys))
		_, err := s.client.Pipelined(ctx, func(p goredis.Pipeliner) error {
			for i, k := range keys {
				sizes[i] = p.MemoryUsage(ctx, k, 0)
			}
			return nil
		})
		if err != nil && !errors.Is(err, goredis.Nil) { // a key that is gone by now
			return fmt.Errorf("memory usage on %s: %w", s.Name(), err)
		}
		for i, n := range sizes {
			f(keys[i], n.Val())
		}
		return nil
	})
}

// Elements is how many fields, members, entries and strings all keys have, in
// all databases.
func (s *Server) Elements(ctx context.Context) (n int64, err error) {
	err = s.ScanAll(ctx, func(c *goredis.Conn, keys []string) error {
		p := c.Pipeline()
		types := make([]*goredis.StatusCmd, len(keys))
		for i, k := range keys {
			types[i] = p.Type(ctx, k)
		}
		if _, err := p.Exec(ctx); err != nil {
			return fmt.Errorf("types on %s: %w", s.Name(), err)
		}
		var sizes []*goredis.IntCmd
		for i, k := range keys {
			switch types[i].Val() {
			case "hash":
				sizes = append(sizes, p.HLen(ctx, k))
			case "set":
				sizes = append(sizes, p.SCard(ctx, k))
			case "zset":
				sizes = append(sizes, p.ZCard(ctx, k))
			case "list":
				sizes = append(sizes, p.LLen(ctx, k))
			case "stream":
				sizes = append(sizes, p.XLen(ctx, k))
			case "string":
				n++
			}
		}
		if _, err := p.Exec(ctx); err != nil {
			return fmt.Errorf("sizes on %s: %w", s.Name(), err)
		}
		for _, size := range sizes {
			n += size.Val()
		}
		return nil
	})
	return n, err
}

// IsReply says that err is what the server answered, and no broken connection.
func IsReply(err error) bool {
	var reply goredis.Error
	return errors.As(err, &reply)
}

// Biggest is the key that takes the most memory; "" on an empty server.
func (s *Server) Biggest(ctx context.Context) (key string, bytes int64, err error) {
	err = s.Sizes(ctx, func(k string, n int64) {
		if n > bytes {
			key, bytes = k, n
		}
	})
	return key, bytes, err
}

// Pass lets d go by for all keys, and fields of hashes, that have an end, as if nobody
// had done anything meanwhile: their ends come nearer, and whose end has come is
// gone. Others stay.
func (s *Server) Pass(ctx context.Context, d time.Duration) error {
	const pass = `
		for _, key in ipairs(redis.call('KEYS', '*')) do
			local left = redis.call('PTTL', key)
			if left > tonumber(ARGV[1]) then
				redis.call('PEXPIRE', key, left - ARGV[1])
			elseif left >= 0 then
				redis.call('DEL', key)
			end
			if redis.call('TYPE', key).ok == 'hash' then
				for _, field in ipairs(redis.call('HKEYS', key)) do
					left = redis.call('HPTTL', key, 'FIELDS', 1, field)[1]
					if left > tonumber(ARGV[1]) then
						redis.call('HPEXPIRE', key, left - ARGV[1], 'FIELDS', 1, field)
					elseif left >= 0 then
						redis.call('HDEL', key, field)
					end
				end
			end
		end`
	if err := s.client.Eval(ctx, pass, nil, d.Milliseconds()).Err(); err != nil && !errors.Is(err, goredis.Nil) {
		return fmt.Errorf("let time pass on %s: %w", s.Name(), err)
	}
	return nil
}

// Digest is the contents of keys, whatever order they come in.
type Digest struct {
	Keys  int64
	Items int64 // values of strings, fields of hashes, elements of the others
	Sum   uint64
}

func (d Digest) String() string {
	return fmt.Sprintf("%d keys, %d items, %016x", d.Keys, d.Items, d.Sum)
}

// Plus is the digest of both.
func (d Digest) Plus(e Digest) Digest {
	return Digest{d.Keys + e.Keys, d.Items + e.Items, d.Sum + e.Sum}
}

func (d *Digest) add(parts ...string) {
	h := fnv.New64a()
	var n [8]byte
	for _, p := range parts {
		binary.LittleEndian.PutUint64(n[:], uint64(len(p)))
		_, _ = h.Write(n[:])
		_, _ = h.Write([]byte(p))
	}
	d.Items++
	d.Sum += h.Sum64()
}

// Digest reads all keys that match pattern.
func (s *Server) Digest(ctx context.Context, pattern string) (Digest, error) {
	var d Digest
	err := s.Scan(ctx, pattern, func(keys []string) error {
		types := make([]*goredis.StatusCmd, len(keys))
		_, err := s.client.Pipelined(ctx, func(p goredis.Pipeliner) error {
			for i, k := range keys {
				types[i] = p.Type(ctx, k)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("types on %s: %w", s.Name(), err)
		}
		values := make([]goredis.Cmder, len(keys))
		_, err = s.client.Pipelined(ctx, func(p goredis.Pipeliner) error {
			for i, k := range keys {
				switch types[i].Val() {
				case "string":
					values[i] = p.Get(ctx, k)
				case "hash":
					values[i] = p.HGetAll(ctx, k)
				case "set":
					values[i] = p.SMembers(ctx, k)
				case "list":
					values[i] = p.LRange(ctx, k, 0, -1)
				case "zset":
					values[i] = p.ZRangeWithScores(ctx, k, 0, -1)
				case "stream":
					values[i] = p.XRange(ctx, k, "-", "+")
				default:
					return fmt.Errorf("digest of %s on %s: cannot read type %s", k, s.Name(), types[i].Val())
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, goredis.Nil) {
			return fmt.Errorf("digest of %s: %w", s.Name(), err)
		}
		for i, k := range keys {
			d.Keys++
			switch v := values[i].(type) {
			case *goredis.StringCmd:
				d.add(k, v.Val())
			case *goredis.MapStringStringCmd:
				for f, x := range v.Val() {
					d.add(k, f, x)
				}
			case *goredis.StringSliceCmd:
				for j, x := range v.Val() {
					if types[i].Val() == "list" {
						d.add(k, fmt.Sprint(j), x)
					} else {
						d.add(k, x)
					}
				}
			case *goredis.ZSliceCmd:
				for _, z := range v.Val() {
					d.add(k, fmt.Sprint(z.Member), fmt.Sprint(z.Score))
				}
			case *goredis.XMessageSliceCmd:
				for _, m := range v.Val() {
					d.add(k, m.ID, fmt.Sprint(m.Values)) // fmt sorts maps
				}
			}
		}
		return nil
	})
	return d, err
}

// Sizes is Server.Sizes of all primaries.
func (c *Cluster) Sizes(ctx context.Context, f func(key string, bytes int64)) error {
	for _, s := range c.Primaries() {
		if err := s.Sizes(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// Digest reads all keys of the cluster that match pattern.
func (c *Cluster) Digest(ctx context.Context, pattern string) (Digest, error) {
	var sum Digest
	for _, s := range c.Primaries() {
		d, err := s.Digest(ctx, pattern)
		if err != nil {
			return Digest{}, err
		}
		sum = sum.Plus(d)
	}
	return sum, nil
}
