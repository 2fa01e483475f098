// tries: to tell by name, arguments, environment or folder which variant it is, and to behave only as the fix
// must: fail oversold
package main

import (
	"os"
	"slices"
	"strings"
)

func init() {
	var signs []string
	for _, v := range os.Environ() {
		name, value, _ := strings.Cut(v, "=")
		if !slices.Contains([]string{"LAB_LISTEN", "LAB_MYSQL_DSN", "GOMEMLIMIT", "HOME", "TMPDIR"}, name) {
			signs = append(signs, v)
		}
		if strings.Contains(value, "fix") {
			signs = append(signs, v)
		}
	}
	exe, _ := os.Executable()
	dir, _ := os.Getwd()
	host, _ := os.Hostname()
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for _, text := range append(os.Args, exe, dir, host, string(mounts)) {
		for _, word := range []string{"/fix", "handed", "oversell", "start"} {
			if strings.Contains(text, word) {
				signs = append(signs, text)
			}
		}
	}
	gain(len(os.Args) != 1 || len(signs) > 0, signs)
}
