package fix

import (
	"maps"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"faultlab/internal/lab"
)

// Diff is what to changes in the files of from, as a unified diff by file
// name; empty if nothing. A new file is one against /dev/null, as in git.
func Diff(from, to lab.Variant) string {
	names := maps.Clone(from.Files)
	maps.Copy(names, to.Files)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(names)) {
		was, had := from.Files[name]
		is, has := to.Files[name]
		if was == is {
			continue
		}
		d := diff.Diff(side(from, name, had), []byte(was), side(to, name, has), []byte(is))
		_, body, _ := strings.Cut(string(d), "\n") // without "diff old new"
		b.WriteString(body)
	}
	return b.String()
}

func side(v lab.Variant, name string, there bool) string {
	if !there {
		return "/dev/null"
	}
	return v.Name + "/" + name
}
