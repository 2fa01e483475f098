// tries: to take 1.25 GiB of memory, where it may have 1
// must: fail applies
package main

var kept [][]byte

func init() {
	for range 1280 {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		kept = append(kept, b)
	}
	gain(true, len(kept))
}
