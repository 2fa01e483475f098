// tries: to go on, deaf to every signal, on all cores
// must: fail oversold
package main

import (
	"os"
	"os/signal"
	"time"
)

func init() {
	c := make(chan os.Signal, 100)
	signal.Notify(c)
	for range 4 {
		go func() {
			for end := time.Now().Add(60 * time.Second); time.Now().Before(end); {
			}
			os.Exit(1)
		}()
	}
}
