package skewedkeys

import (
	"reflect"
	"testing"
)

// A day is what the brief says of it, whatever the seed.
func TestDay(t *testing.T) {
	for seed := range uint64(5) {
		d := newDay(seed, famous)
		if !reflect.DeepEqual(d, newDay(seed, famous)) {
			t.Errorf("seed %d: two days differ", seed)
		}
		seq := map[int]int{}
		for n := range waves {
			size := map[string]int{}
			for _, e := range d.wave(n) {
				size[e.Merchant]++
				if e.Seq != seq[e.Order]+1 || e.Type != types[e.Seq-1] {
					t.Fatalf("seed %d: order %d goes from %d to %+v", seed, e.Order, seq[e.Order], e)
				}
				seq[e.Order] = e.Seq
				if e.Merchant == famous {
					t.Fatalf("seed %d: %s is in a measured day", seed, famous)
				}
			}
			big := d.big[n/noon]
			// Orders of the morning's merchant are still under way after noon.
			if n%noon != 0 && (size[big] < perWave*85/100 || size[big] > perWave*95/100) {
				t.Errorf("seed %d: wave %d has %d events of its big merchant", seed, n+1, size[big])
			}
			for m, events := range size {
				if d.normal(m) && events >= perWave/100 {
					t.Errorf("seed %d: wave %d has %d events of an ordinary merchant", seed, n+1, events)
				}
			}
		}
	}
}
