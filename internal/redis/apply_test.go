package redis

import (
	"fmt"
	"testing"
)

func TestWords(t *testing.T) {
	for line, want := range map[string]string{
		"":                                     `[]`,
		"  # nothing":                          `[]`,
		"CONFIG SET  a b\n":                    `["CONFIG" "SET" "a" "b"]`,
		`CONFIG SET limit "replica 1mb 0 0"`:   `["CONFIG" "SET" "limit" "replica 1mb 0 0"]`,
		`SET k ""`:                             `["SET" "k" ""]`,
		`SET k 'it\'s "so"' # no comment here`: `["SET" "k" "it's \"so\"" "#" "no" "comment" "here"]`,
		`SET k "a\nb\"c\\"`:                    `["SET" "k" "a\nb\"c\\"]`,
	} {
		got, err := words(line)
		if s := fmt.Sprintf("%q", got); err != nil || s != want {
			t.Errorf("%s: %s, %v, want %s", line, s, err, want)
		}
	}
	for _, line := range []string{`SET k "a`, `SET k 'a`, `SET k "a"b`} {
		if got, err := words(line); err == nil {
			t.Errorf("%s: %q", line, got)
		}
	}
}
