package skewedkeys

import (
	"context"
	"fmt"

	"faultlab/internal/lab"
	"faultlab/internal/redis"
)

// room is what the full node has left.
const room = 3 << 20

// stage is the cluster and what is on it.
type stage struct {
	env     lab.Env
	stock   *stock
	cluster *redis.Cluster
	used    bool // a measurement has changed the cards
}

// fill leaves the fullest node a little room, and gives all nodes the same.
func (s *stage) fill(ctx context.Context) error {
	var most int64
	for _, n := range s.cluster.Primaries() {
		in, err := n.Info(ctx, "memory")
		if err != nil {
			return err
		}
		most = max(most, in.Int("used_memory"))
	}
	s.env.Log("CONFIG SET maxmemory %d on all nodes", most+room)
	return s.limit(ctx, most+room)
}

func (s *stage) limit(ctx context.Context, bytes int64) error {
	for _, n := range s.cluster.Primaries() {
		if err := n.Client().ConfigSet(ctx, "maxmemory", fmt.Sprint(bytes)).Err(); err != nil {
			return fmt.Errorf("set maxmemory of %s: %w", n.Name(), err)
		}
	}
	return nil
}

// reset puts the cards back as the seed left them.
func (s *stage) reset(ctx context.Context) error {
	if !s.used {
		s.used = true
		return nil
	}
	if err := s.limit(ctx, 0); err != nil {
		return err
	}
	for _, n := range s.cluster.Primaries() {
		if err := n.Client().FlushAll(ctx).Err(); err != nil {
			return fmt.Errorf("empty %s: %w", n.Name(), err)
		}
	}
	if err := s.cluster.Load(ctx, s.stock.commands()); err != nil {
		return err
	}
	return s.fill(ctx)
}
