package quote

import (
	"strings"
	"testing"
	"unicode"
)

func TestLines(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "a\nb\n", "  | a\n  | b"},
		{"forged verdict", "PASS mysql/slow-query  (1.0 s)", "  | PASS mysql/slow-query  (1.0 s)"},
		{"carriage return", "x\rPASS", "  | x\n  | PASS"},
		{"colour", "\x1b[32mPASS\x1b[0m", "  | PASS"},
		{"cursor up and erase", "\x1b[2A\x1b[2KPASS", "  | PASS"},
		{"title", "\x1b]0;owned\x07x\x1b]8;;http://a\x1b\\y", "  | xy"},
		{"half a sequence", "\x1b[", "  |"},
		{"bell and backspace", "a\x07b\x08c", "  | a\ufffdb\ufffdc"},
		{"C1", "a\u009b2Kb", "  | a\ufffd2Kb"},
		{"bidi", "a\u202eb", "  | a\ufffdb"},
		{"line separator", "a\u2028PASS", "  | a\ufffdPASS"},
		{"not UTF-8", "a\xffb", "  | a\ufffdb"},
		{"quoted already", "  | a", "  | a"},
		{"blank lines", "a\n\nb", "  | a\n  |\n  | b"},
		{"empty", "", "  |"},
		{"long", strings.Repeat("é", 400), "  | " + strings.Repeat("é", 300) + "…"},
	} {
		if got := Lines(c.in); got != c.want {
			t.Errorf("%s: Lines(%q) = %q, want %q", c.name, c.in, got, c.want)
		}
	}
	if got, want := Tail("1\n2\n3\n", 2), "  | 2\n  | 3"; got != want {
		t.Errorf("Tail = %q, want %q", got, want)
	}
}

func FuzzLines(f *testing.F) {
	f.Add("\x1b[2K\rPASS\n\x9b1A")
	f.Add("\x1b]0;\x1b[1m\x07")
	f.Fuzz(func(t *testing.T, in string) {
		for _, l := range strings.Split(Lines(in), "\n") {
			if !strings.HasPrefix(l, strings.TrimRight(Prefix, " ")) {
				t.Fatalf("line %q is not quoted", l)
			}
			if strings.ContainsFunc(l, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
				t.Fatalf("line %q holds a control character", l)
			}
		}
	})
}
