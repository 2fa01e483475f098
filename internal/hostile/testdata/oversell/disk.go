// tries: to fill the disk, with 200 MiB
// must: fail oversold
package main

import (
	"fmt"
	"os"
)

func init() {
	written := 0
	for _, dir := range []string{"/tmp", "/", "/outside", "/dev/shm", "/dev", "/var/tmp", "/run", "/etc"} {
		for i := range 200 {
			if os.WriteFile(fmt.Sprintf("%s/%d", dir, i), make([]byte, 1<<20), 0o644) != nil {
				break
			}
			written++
		}
	}
	for i := range 100 {
		_ = os.Remove(fmt.Sprintf("/tmp/%d", i))
	}
	gain(written > 70, written)
}
