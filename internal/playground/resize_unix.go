//go:build unix

package playground

import (
	"os"
	"os/signal"
	"syscall"
)

// windowChanges tells when the terminal gets another size.
func windowChanges() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGWINCH)
	return c, func() { signal.Stop(c) }
}
