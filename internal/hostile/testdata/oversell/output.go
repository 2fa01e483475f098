// tries: to fill the disk and the memory of this machine with 200 MiB of output
// must: fail oversold
package main

import (
	"bytes"
	"os"
)

func init() {
	line := append(bytes.Repeat([]byte("x"), 1<<20-1), '\n')
	for range 200 {
		_, _ = os.Stdout.Write(line)
	}
}
