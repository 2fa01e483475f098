package blocking

import (
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
)

// How much there is.
const (
	shops      = 49
	largest    = 12_000  // carts of the first shop
	cartsEach  = 1_000   // of each other one
	allPoints  = 40_000  // customers of the first shop who have points
	mailed     = 200_000 // customers who have got last year's mailing
	mailedAlso = 10_000  // and this year's

	// Some shops have had many customers, most of whom have left: the table of
	// their points has thinTable buckets, and shrinks below an eighth of it.
	thinShops = 8
	thinTable = 32_768
	thinFull  = thinTable/2 + 100 // fields that make it as large
	thin      = thinTable/8 + 30  // that are left
)

// book is what is kept of customers, as it must be.
type book[V any] struct {
	of    map[string]V
	names []string // all who were ever in it
}

func newBook[V any]() *book[V] { return &book[V]{of: map[string]V{}} }

func (b *book[V]) set(customer string, v V) {
	if _, there := b.of[customer]; !there {
		b.names = append(b.names, customer)
	}
	b.of[customer] = v
}

// pick is somebody who is in it.
func (b *book[V]) pick(r *rand.Rand) string {
	for {
		name := b.names[r.IntN(len(b.names))]
		if _, there := b.of[name]; there {
			return name
		}
	}
}

// books is all that the shop has.
type books struct {
	carts    map[string]*book[map[string]string] // by shop: SKU → pieces
	points   map[string]*book[string]            // by shop
	mailings map[string]*book[bool]              // by mailing
}

// seed makes all that a learner could hard-code from the seed of the run.
type seed struct {
	n        uint64
	shops    []string // the first is the largest; the last thinShops have thin points
	mailings []string // the first is the largest
}

func newSeed(n uint64) *seed {
	s := &seed{n: n}
	r := s.rand("names")
	for i := range shops {
		s.shops = append(s.shops, fmt.Sprintf("s%02x%04x", i, r.Uint32()&0xffff))
	}
	for range 2 {
		s.mailings = append(s.mailings, fmt.Sprintf("m%06x", r.Uint32()>>8))
	}
	return s
}

func (s *seed) rand(what string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(what))
	return rand.New(rand.NewPCG(s.n, h.Sum64()))
}

// thin are the shops whose customers have left.
func (s *seed) thin() []string { return s.shops[shops-thinShops:] }

// books are what the server is filled with.
func (s *seed) books() *books {
	b := &books{
		carts:    map[string]*book[map[string]string]{},
		points:   map[string]*book[string]{},
		mailings: map[string]*book[bool]{},
	}
	r := s.rand("books")
	next := 10_000_000 + r.IntN(10_000_000)
	customer := func() string {
		next += 1 + r.IntN(9)
		return fmt.Sprintf("c%08d", next)
	}
	for i, shop := range s.shops {
		b.carts[shop], b.points[shop] = newBook[map[string]string](), newBook[string]()
		n := cartsEach
		if i == 0 {
			n = largest
		}
		for range n {
			b.carts[shop].set(customer(), map[string]string{
				fmt.Sprintf("a%05d", r.IntN(50_000)): strconv.Itoa(1 + r.IntN(9)),
				fmt.Sprintf("b%05d", r.IntN(50_000)): strconv.Itoa(1 + r.IntN(9)),
			})
		}
	}
	give := func(shop string, n int) {
		for range n {
			b.points[shop].set(customer(), strconv.Itoa(1+r.IntN(99_999)))
		}
	}
	give(s.shops[0], allPoints)
	for _, shop := range s.thin() {
		give(shop, thin)
	}
	for i, n := range []int{mailed, mailedAlso} {
		m := newBook[bool]()
		for range n {
			m.set(customer(), true)
		}
		b.mailings[s.mailings[i]] = m
	}
	return b
}

// Where start/ has everything.
func cartKey(shop, customer string) string { return "cart:" + shop + ":" + customer }
func pointsKey(shop string) string         { return "points:" + shop }
func mailingKey(mailing string) string     { return "mailing:" + mailing }

// commands write the books as start/ has them.
func (s *seed) commands() iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		b := s.books()
		for _, shop := range s.shops {
			for _, customer := range b.carts[shop].names {
				cmd := []any{"HSET", cartKey(shop, customer)}
				for sku, pieces := range b.carts[shop].of[customer] {
					cmd = append(cmd, sku, pieces)
				}
				if !yield(cmd) {
					return
				}
			}
			for some := range slices.Chunk(b.points[shop].names, 500) {
				cmd := []any{"HSET", pointsKey(shop)}
				for _, customer := range some {
					cmd = append(cmd, customer, b.points[shop].of[customer])
				}
				if !yield(cmd) {
					return
				}
			}
		}
		for _, mailing := range s.mailings {
			for some := range slices.Chunk(b.mailings[mailing].names, 500) {
				cmd := []any{"SADD", mailingKey(mailing)}
				for _, customer := range some {
					cmd = append(cmd, customer)
				}
				if !yield(cmd) {
					return
				}
			}
		}
	}
}

// gone are the customers who have left a thin shop, in commands that fetch them
// back and let them leave again. A table grows with its fields, and only shrinks
// when seven eighths of it are empty.
func (s *seed) gone() iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for _, shop := range s.thin() {
			for _, cmd := range []string{"HSET", "HDEL"} {
				for from := thin; from < thinFull; from += 500 {
					args := []any{cmd, pointsKey(shop)}
					for i := from; i < from+500; i++ {
						args = append(args, fmt.Sprintf("gone%05d", i))
						if cmd == "HSET" {
							args = append(args, "0")
						}
					}
					if !yield(args) {
						return
					}
				}
			}
		}
	}
}
