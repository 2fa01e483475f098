// Package quote shows text that others wrote (a program's output, a server's
// message) so that it can't be taken for the harness's own words.
package quote

import (
	"regexp"
	"strings"
	"unicode"
)

// Prefix stands before each quoted line.
const Prefix = "  | "

// width is where a line is cut, in runes: a row that is printed whole would
// bury the message under it.
const width = 300

// escapes are the terminal's control sequences: CSI, OSC (ended by BEL or ST),
// and the two-byte ones.
var escapes = regexp.MustCompile(`\x1b\[[0-9;:?<=>!]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[ -/]*[0-~]`)

var newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// Plain takes everything out of text that a terminal would act on. Line ends
// become "\n", tabs stay.
func Plain(text string) string {
	text = newlines.Replace(text)
	text = escapes.ReplaceAllString(text, "")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			// Cf holds the bidirectional overrides, which reorder what is read.
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
}

// Lines quotes each line of text. There is no newline at the end.
func Lines(text string) string {
	lines := strings.Split(strings.TrimRight(Plain(text), "\n"), "\n")
	for i, l := range lines {
		l = strings.TrimPrefix(l, Prefix) // quoted before, once is enough
		if r := []rune(l); len(r) > width {
			l = string(r[:width]) + "…"
		}
		lines[i] = strings.TrimRight(Prefix+l, " \t")
	}
	return strings.Join(lines, "\n")
}

// Head quotes the first n lines of text.
func Head(text string, n int) string {
	lines := strings.Split(newlines.Replace(text), "\n")
	return Lines(strings.Join(lines[:min(n, len(lines))], "\n"))
}

// Tail quotes the last n lines of text.
func Tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(newlines.Replace(text), "\n"), "\n")
	return Lines(strings.Join(lines[max(0, len(lines)-n):], "\n"))
}
