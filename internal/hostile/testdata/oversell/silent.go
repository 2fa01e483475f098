// tries: never to begin
// must: fail applies
package main

import "time"

func init() { time.Sleep(60 * time.Second) }
