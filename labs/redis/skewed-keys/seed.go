package skewedkeys

import (
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
)

// The stores: one has three fifths of all cards, one a seventh, the rest the rest.
const (
	largest = 24_000
	second  = 6_000
	others  = 20
	small   = 500
	opened  = 2_000 // cards of a store that opens while the lab runs
	arrived = 4_000 // new cards of the largest store
)

// article is an article in a store.
type article struct{ store, sku string }

// stock makes all that a learner could hard-code from the seed of the run.
type stock struct {
	seed  uint64
	there []article // seeded
	added []article // put by the measurement
}

func newStock(seed uint64) *stock {
	s := &stock{seed: seed}
	s.there = append(s.there, s.articles(0, 0, largest)...)
	s.there = append(s.there, s.articles(1, 0, second)...)
	for i := range others {
		s.there = append(s.there, s.articles(2+i, 0, small)...)
	}
	s.added = append(s.articles(0, largest, arrived), s.articles(2+others, 0, opened)...)
	return s
}

// articles are n articles of the i-th store, from the first-th on.
func (s *stock) articles(i, first, n int) []article {
	store := fmt.Sprintf("s%06x", s.rand("store", i).Uint32()>>8)
	list := make([]article, n)
	for j := range list {
		list[j] = article{store, fmt.Sprintf("%08d-%06d", s.rand(store, first+j).Uint32()%1e8, first+j)}
	}
	return list
}

// card is what is known of an article after it was put version times more.
func (s *stock) card(a article, version int) string {
	r := s.rand(a.store+"/"+a.sku, version)
	text := make([]byte, 480)
	for i := range text {
		text[i] = "abcdefghijklmnopqrstuvwxyz     "[r.IntN(31)]
	}
	return fmt.Sprintf(`{"sku":%q,"version":%d,"on_hand":%d,"cents":%d,"shelf":"%c-%02d","label":%q}`,
		a.sku, version, r.IntN(500), r.IntN(100_000), 'A'+rune(r.IntN(26)), r.IntN(100), text)
}

func (s *stock) rand(what string, i int) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(what))
	return rand.New(rand.NewPCG(s.seed^h.Sum64(), uint64(i)))
}

// place is where start/ has the cards of a store.
func place(store string) string { return "{stock}:" + store }

// commands write all cards where start/ has them.
func (s *stock) commands() iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for _, a := range s.there {
			if !yield([]any{"HSET", place(a.store), a.sku, s.card(a, 0)}) {
				return
			}
		}
	}
}
