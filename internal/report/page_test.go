package report

import (
	"strings"
	"testing"
)

// A table that does not fit becomes paragraphs; without a terminal it stays one.
func TestTableFolds(t *testing.T) {
	head := []string{"LAB", "LEVEL", "TITLE"}
	rows := [][]string{
		{"mysql/slow-query", "easy", "The page of recent orders times out"},
		{"redis/x", "", "Short"},
	}
	for _, c := range []struct {
		width int
		want  string
	}{
		{0, "LAB               LEVEL  TITLE\nmysql/slow-query  easy   The page of recent orders times out\nredis/x                  Short\n"},
		{60, "LAB               LEVEL  TITLE\nmysql/slow-query  easy   The page of recent orders times out\nredis/x                  Short\n"},
		{30, "mysql/slow-query\n  level  easy\n  title  The page of recent\n         orders times out\nredis/x\n  title  Short\n"},
	} {
		var b strings.Builder
		if err := Table(&b, Options{Width: c.width}, head, rows); err != nil {
			t.Fatal(err)
		}
		if b.String() != c.want {
			t.Errorf("at %d columns:\n%s\ninstead of\n%s", c.width, b.String(), c.want)
		}
	}
}
