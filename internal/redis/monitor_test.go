package redis

import (
	"slices"
	"testing"
)

// What MONITOR shows, taken from a real server, is taken apart.
func TestParseCall(t *testing.T) {
	for _, c := range []struct {
		line, client string
		db           int
		args         []string
	}{
		{"+1795567386.115418 [0 127.0.0.1:49344] \"set\" \"a\" \"x\\n\\\"y\\\\\\xff] \"\r\n", "127.0.0.1:49344", 0, []string{"set", "a", "x\n\"y\\\xff] "}},
		{"+1795567386.116704 [1 lua] \"get\" \"\"\r\n", Script, 1, []string{"get", ""}},
		{"+OK\r\n", "", 0, nil},
	} {
		got, ok := parseCall(c.line)
		if ok != (c.args != nil) || got.Client != c.client || got.DB != c.db || !slices.Equal(got.Args, c.args) {
			t.Errorf("%q: %v, %+v", c.line, ok, got)
		}
	}
}
