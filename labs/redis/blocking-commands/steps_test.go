package blocking

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"faultlab/internal/redis"
)

// What the server does in one go is one step, whoever else says something
// between the commands of a transaction.
func TestSteps(t *testing.T) {
	var calls []redis.Call
	for _, line := range []string{
		"a get", "a multi", "b get", "a set", "a eval", "lua get", "lua set", "a exec",
		"a get", "b eval", "lua del", "a multi", "b get", "a discard", "a get", "b multi", "a multi",
		"a set", "a exec", "b set", "b exec",
	} {
		client, name, _ := strings.Cut(line, " ")
		calls = append(calls, redis.Call{Client: client, Args: []string{name}})
	}
	all, of := steps(calls)
	var got []string
	for i, c := range calls {
		got = append(got, fmt.Sprintf("%d%s", slices.Index(all, of[i]), c.Client))
	}
	const want = "0a 1a 2b 1a 1a 1lua 1lua 1a 3a 4b 4lua 5a 6b 5a 7a 8b 9a 9a 9a 8b 8b"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got %s, not %s", s, want)
	}
}
