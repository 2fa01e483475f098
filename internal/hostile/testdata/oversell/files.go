// tries: to read the solution, another submission, the results or secrets of this machine
// must: fail oversold
package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func init() {
	var found []string
	_ = filepath.WalkDir("/", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if strings.HasPrefix(path, "/proc/sys") || strings.HasPrefix(path, "/sys") {
			return fs.SkipDir
		}
		for _, word := range []string{"solution", "results.json", "docker.sock", "id_rsa", "handed-in", "labs"} {
			if strings.Contains(path, word) {
				found = append(found, path)
			}
		}
		if strings.HasSuffix(path, ".go") || path == "/etc/shadow" || path == "/bin/sh" {
			found = append(found, path)
		}
		return nil
	})
	// What the first process knows, and this machine's processes.
	if dirs, _ := filepath.Glob("/proc/[0-9]*"); len(dirs) > 2 {
		found = append(found, dirs...)
	}
	for _, path := range []string{"/proc/1/root/etc/passwd", "/outside/../../etc/passwd", "/proc/kcore", "/dev/mem", "/dev/vda", "/dev/sda"} {
		if f, err := os.Open(path); err == nil {
			f.Close()
			found = append(found, path)
		}
	}
	gain(len(found) > 0, found)
}
