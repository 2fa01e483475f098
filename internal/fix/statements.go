package fix

import (
	"strings"
	"unicode"
)

// Statement is one statement of a script.
type Statement struct {
	Text string
	Line int // 1-based line of its first word
}

// Dialect is whose rules a script follows.
type Dialect int

// The dialects. They differ in comments, in escapes and in DELIMITER.
const (
	MySQL      Dialect = iota // "-- ", "#", DELIMITER as in the mysql client
	ClickHouse                // "--" without a space, "# " and "#!", $tag$ … $tag$
)

// Statements splits MySQL's SQL at ";" outside of quotes and comments, with
// the mysql client's DELIMITER honoured. Statements of comments only are left
// out.
func Statements(sql string) []Statement { return MySQL.Statements(sql) }

// Statements splits a script. A statement's text is as it stands in the
// script, from its first word to its last: comments between them are kept. What
// is not closed goes on to the end, for the server to complain about.
func (d Dialect) Statements(sql string) []Statement {
	var list []Statement
	line, at := 1, 0
	for _, s := range d.spans(sql) {
		line += strings.Count(sql[at:s.from], "\n")
		at = s.from
		list = append(list, Statement{Text: sql[s.from:s.to], Line: line})
	}
	return list
}

// span is where a statement stands in its script.
type span struct{ from, to int }

func (d Dialect) spans(sql string) []span {
	var list []span
	delimiter := ";"
	from, to := -1, 0 // the present statement's first byte, and the end of its last token
	end := func() {
		if from >= 0 {
			list = append(list, span{from, to})
		}
		from = -1
	}
	for i := 0; i < len(sql); {
		rest := sql[i:]
		if from < 0 && d == MySQL {
			if word, n := delimiterCommand(sql, i); n > 0 {
				if word != "" {
					delimiter = word
				}
				i += n
				continue
			}
		}
		switch n := d.comment(rest); {
		case strings.HasPrefix(rest, delimiter):
			end()
			i += len(delimiter)
		case n > 0:
			i += n
		case isSpace(rest[0]):
			i++
		default:
			if from < 0 {
				from = i
			}
			i += d.token(rest)
			to = i
		}
	}
	end()
	return list
}

// comment is the length of the comment that s begins with, or 0.
func (d Dialect) comment(s string) int {
	switch {
	case strings.HasPrefix(s, "/*!"), strings.HasPrefix(s, "/*+"):
		if d == MySQL {
			return 0
		}
		return block(s)
	case strings.HasPrefix(s, "/*"):
		return block(s)
	case strings.HasPrefix(s, "--"):
		// MySQL takes "--1" for two minus signs.
		if d == ClickHouse || len(s) == 2 || isSpace(s[2]) || s[2] < ' ' {
			return lineLength(s)
		}
	case s[0] == '#':
		if d == MySQL || strings.HasPrefix(s, "# ") || strings.HasPrefix(s, "#!") {
			return lineLength(s)
		}
	}
	return 0
}

// token is the length of the piece of code that s begins with: a quoted
// string, a hint, or a byte.
func (d Dialect) token(s string) int {
	switch c := s[0]; {
	case c == '\'' || c == '"':
		return quoted(s, true)
	case c == '`':
		return quoted(s, d == ClickHouse)
	case strings.HasPrefix(s, "/*"):
		return block(s)
	case c == '$' && d == ClickHouse:
		return heredoc(s)
	}
	return 1
}

// quoted is the length of a quoted string. A doubled quote needs no care: it
// ends one string and begins the next.
func quoted(s string, escapes bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && escapes:
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return len(s)
}

func block(s string) int {
	if i := strings.Index(s[2:], "*/"); i >= 0 {
		return 2 + i + 2
	}
	return len(s)
}

func lineLength(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}

// heredoc is the length of ClickHouse's $tag$ … $tag$, or 1 for a lone "$".
func heredoc(s string) int {
	n := strings.IndexByte(s[1:], '$')
	if n < 0 || strings.ContainsFunc(s[1:1+n], func(r rune) bool {
		return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		return 1
	}
	tag := s[:n+2]
	if i := strings.Index(s[len(tag):], tag); i >= 0 {
		return len(tag) + i + len(tag)
	}
	return 1
}

// delimiterCommand recognises "DELIMITER //" where a line begins, and returns
// its argument and the length of the rest of the line.
func delimiterCommand(sql string, i int) (word string, n int) {
	const name = "delimiter"
	before := sql[strings.LastIndexByte(sql[:i], '\n')+1 : i]
	rest := sql[i : i+lineLength(sql[i:])]
	if strings.TrimSpace(before) != "" || len(rest) < len(name) || !strings.EqualFold(rest[:len(name)], name) {
		return "", 0
	}
	arg := rest[len(name):]
	if arg != "" && !isSpace(arg[0]) {
		return "", 0
	}
	if words := strings.Fields(arg); len(words) > 0 {
		word = words[0]
	}
	return word, len(rest)
}

func isSpace(c byte) bool {
	return c == ' ' || '\t' <= c && c <= '\r'
}
