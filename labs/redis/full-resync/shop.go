package fullresync

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/redis"
)

const (
	carts = 14_000
	size  = 2_000 // bytes of a cart

	usual = 30  // writes a second
	peak  = 100 // at the busiest hour

	cutLasts  = 30  // seconds that the line may be away
	copyLasts = 100 // seconds that a full copy takes over the line
	deafLasts = 600 // seconds after which a replica that reads nothing is noticed by a person
)

// stream is how many bytes a write is on its way to the replica.
const stream = size + 39

// shop writes carts, and knows what each must be.
type shop struct {
	env              lab.Env
	mu               sync.Mutex    // held by who writes or does something to the servers
	primary, replica *redis.Server // as they are at the moment
	rnd, lengths     *rand.Rand    // of carts, of cuts
	filler           string
	version          []int // of each cart, as it was last accepted
	sent             []int // of each cart, accepted or not
	refused, written int
	refusal          string // the first
	hungUp           int64  // connections of the rebuilt replica, by the primary
	seen             string // why a backlog could not serve
	astray           int    // carts that the replica did not have after a cut
}

func newShop(env lab.Env, primary, replica *redis.Server) *shop {
	raw := make([]byte, 48_000)
	var seed [32]byte
	copy(seed[:], fmt.Sprint("filler ", env.Seed))
	_, _ = rand.NewChaCha8(seed).Read(raw) // never fails
	return &shop{
		env: env, primary: primary, replica: replica,
		rnd:     rand.New(rand.NewPCG(env.Seed, 1)),
		lengths: rand.New(rand.NewPCG(env.Seed, 2)),
		filler:  base64.StdEncoding.EncodeToString(raw),
		version: make([]int, carts), sent: make([]int, carts),
	}
}

func key(cart int) string { return fmt.Sprintf("cart:%05d", cart) }

// value is a version of a cart.
func (s *shop) value(cart, v int) string {
	head := fmt.Sprintf(`{"cart":%d,"version":%d,"items":"`, cart, v)
	from := (cart*7919 + v*104_729) % (len(s.filler) - size)
	return head + s.filler[from:from+size-len(head)-2] + `"}`
}

func (s *shop) fill(ctx context.Context) error {
	err := s.primary.Load(ctx, func(yield func([]any) bool) {
		for cart := range carts {
			if !yield([]any{"SET", key(cart), s.value(cart, 0)}) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	return s.replica.CaughtUp(ctx, s.primary)
}

// traffic is what the shop writes at other times.
func (s *shop) traffic(ctx context.Context) error {
	return measure.Every(ctx, time.Second/usual, func(ctx context.Context) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, err := s.write(ctx, 1)
		return theirs(ctx, err)
	})
}

// write has customers change n carts on the primary, and returns which.
func (s *shop) write(ctx context.Context, n int) (changed []int, err error) {
	const together = 200
	for len(changed) < n {
		batch := make([]int, min(together, n-len(changed)))
		versions := make([]int, len(batch))
		cmds := make([]*goredis.StatusCmd, len(batch))
		_, err := s.primary.Client().Pipelined(ctx, func(p goredis.Pipeliner) error {
			for i := range batch {
				cart := s.rnd.IntN(carts)
				s.sent[cart]++
				batch[i], versions[i] = cart, s.sent[cart]
				cmds[i] = p.Set(ctx, key(cart), s.value(cart, versions[i]), 0)
			}
			return nil
		})
		var refused goredis.Error
		if err != nil && !errors.As(err, &refused) {
			return nil, fmt.Errorf("write to %s: %w", s.primary.Name(), err)
		}
		for i, cmd := range cmds {
			if cmd.Err() == nil {
				s.version[batch[i]] = versions[i]
				continue
			}
			s.refused++
			s.refusal = cmp.Or(s.refusal, cmd.Err().Error())
		}
		s.written += len(batch)
		changed = append(changed, batch...)
	}
	return changed, nil
}

// wrong counts those of the carts that a server does not have as they must be.
func (s *shop) wrong(ctx context.Context, server *redis.Server, list []int) (n int, err error) {
	const together = 500
	for part := range slices.Chunk(list, together) {
		keys := make([]string, len(part))
		for i, cart := range part {
			keys[i] = key(cart)
		}
		values, err := server.Client().MGet(ctx, keys...).Result()
		if err != nil {
			return 0, fmt.Errorf("read carts from %s: %w", server.Name(), err)
		}
		for i, cart := range part {
			if values[i] != s.value(cart, s.version[cart]) {
				n++
			}
		}
	}
	return n, nil
}
