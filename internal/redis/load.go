package redis

import (
	"context"
	"fmt"
	"iter"
	"sync"

	goredis "github.com/redis/go-redis/v9"
)

// Load sends commands, each with its key as the first argument, in long
// pipelines and stops at the first error reply.
func (s *Server) Load(ctx context.Context, cmds iter.Seq[[]any]) error {
	return load(ctx, cmds, func([]any) *Server { return s })
}

// Load sends commands, each with its key as the first argument, in long
// pipelines to the nodes that were given the keys' slots, all nodes at once.
func (c *Cluster) Load(ctx context.Context, cmds iter.Seq[[]any]) error {
	return load(ctx, cmds, func(cmd []any) *Server {
		key, _ := cmd[1].(string)
		slot := Slot(key)
		for i, s := range c.Primaries() {
			if slot < Slots*(i+1)/c.primaries {
				return s
			}
		}
		return nil // there is no such slot
	})
}

// batch is how many commands go into one round trip: more is no faster, and
// costs the server memory for the replies.
const batch = 2000

func load(ctx context.Context, cmds iter.Seq[[]any], where func([]any) *Server) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	queues := map[*Server]chan []goredis.Cmder{}
	send := func(s *Server, full []goredis.Cmder) {
		q := queues[s]
		if q == nil {
			q = make(chan []goredis.Cmder, 2)
			queues[s] = q
			wg.Go(func() {
				for b := range q {
					if ctx.Err() != nil {
						continue
					}
					if err := s.pipe(ctx, b); err != nil {
						cancel(err)
					}
				}
			})
		}
		q <- full
	}
	open := map[*Server][]goredis.Cmder{}
	for cmd := range cmds {
		if ctx.Err() != nil {
			break
		}
		s := where(cmd)
		open[s] = append(open[s], goredis.NewCmd(ctx, cmd...))
		if len(open[s]) == batch {
			send(s, open[s])
			open[s] = nil
		}
	}
	for s, rest := range open {
		if len(rest) > 0 {
			send(s, rest)
		}
	}
	for _, q := range queues {
		close(q)
	}
	wg.Wait()
	if ctx.Err() != nil {
		return fmt.Errorf("load: %w", context.Cause(ctx))
	}
	return nil
}

func (s *Server) pipe(ctx context.Context, cmds []goredis.Cmder) error {
	p := s.client.Pipeline()
	for _, c := range cmds {
		_ = p.Process(ctx, c) // only queues
	}
	if _, err := p.Exec(ctx); err != nil {
		return fmt.Errorf("%s: %w", s.Name(), err)
	}
	return nil
}
