package fix

import (
	"fmt"
	"slices"
	"strings"
)

// Properties reads lines of "name = value"; empty lines and those that begin
// with # are comments. Each of names must be there, once, and no other.
func Properties(text string, names ...string) (map[string]string, error) {
	set := map[string]string{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch _, twice := set[name]; {
		case !ok:
			return nil, fmt.Errorf("line %d: %q is not name = value", i+1, line)
		case !slices.Contains(names, name):
			return nil, fmt.Errorf("line %d: there is no setting %q, only %s", i+1, name, strings.Join(names, ", "))
		case twice:
			return nil, fmt.Errorf("line %d: %s is set twice", i+1, name)
		}
		set[name] = value
	}
	for _, name := range names {
		if set[name] == "" {
			return nil, fmt.Errorf("%s is not set", name)
		}
	}
	return set, nil
}
