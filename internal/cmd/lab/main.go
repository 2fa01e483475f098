// Command lab runs the labs; see the README.
package main

import (
	"os"

	"faultlab/internal/cli"
)

func main() { os.Exit(cli.Main()) }
