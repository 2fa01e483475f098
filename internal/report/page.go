package report

import (
	"io"
	"slices"
	"strings"
	"unicode"

	"faultlab/internal/quote"
)

// page is text being laid out.
type page struct {
	strings.Builder
	width int
}

func (p *page) line(text string) { p.WriteString(strings.TrimRight(text, " ") + "\n") }

func (p *page) write(w io.Writer, o Options) error {
	text := p.String()
	if o.ASCII {
		text = ascii.Replace(text)
	}
	_, err := io.WriteString(w, text)
	return err
}

func (p *page) blank() { p.line("") }

// wrap writes text in lines that all begin with indent.
func (p *page) wrap(indent, text string) {
	for _, l := range fold(text, p.width-cells(indent)) {
		p.line(indent + l)
	}
}

// hang writes text behind first, which takes indent columns, and goes on
// below the text.
func (p *page) hang(first string, indent int, text string) {
	for _, l := range fold(text, p.width-indent) {
		p.line(first + l)
		first = strings.Repeat(" ", indent)
	}
}

// quote writes what others said. Lines are broken here and not by the
// terminal, which would let one go on at the left margin, where we speak.
func (p *page) quote(text string) {
	const most = 60
	for i, l := range strings.Split(quote.Lines(text), "\n") {
		if i == most {
			p.line("    …")
			return
		}
		l = strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(l, quote.Prefix), strings.TrimRight(quote.Prefix, " ")), "\t", "    ")
		for _, piece := range chop(l, p.width-cells(quote.Prefix)) {
			p.line(quote.Prefix + piece)
		}
	}
}

// fold breaks text between words into lines of at most width columns; its own
// line ends stay. A word that is longer than a line is broken too.
func fold(text string, width int) []string {
	var lines []string
	for _, para := range strings.Split(text, "\n") {
		line := ""
		for i, word := range strings.Split(para, " ") {
			switch {
			case i == 0:
				line = word
			case cells(line)+1+cells(word) <= width:
				line += " " + word
			default:
				lines = append(lines, chop(line, width)...)
				line = word
			}
		}
		lines = append(lines, chop(line, width)...)
	}
	return lines
}

// chop breaks text into pieces of at most width columns.
func chop(text string, width int) []string {
	var pieces []string
	from, used := 0, 0
	for i, r := range text {
		n := cell(r)
		if used+n > width {
			pieces = append(pieces, text[from:i])
			from, used = i, 0
		}
		used += n
	}
	return append(pieces, text[from:])
}

// table aligns rows in columns; bit i of right says that column i is set right.
// Columns without a word are left out.
func table(rows [][]string, right int) []string {
	var widths []int
	for _, row := range rows {
		for i, text := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], cells(text))
		}
	}
	var lines []string
	for _, row := range rows {
		var b strings.Builder
		for i, text := range row {
			if widths[i] == 0 {
				continue
			}
			pad := strings.Repeat(" ", widths[i]-cells(text))
			if right&(1<<i) != 0 {
				text = pad + text
			} else {
				text += pad
			}
			b.WriteString(text + "  ")
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}

func widest(lines []string) int {
	n := 0
	for _, l := range lines {
		n = max(n, cells(l))
	}
	return n
}

// cells is how many columns text takes in a terminal.
func cells(text string) int {
	n := 0
	for _, r := range text {
		n += cell(r)
	}
	return n
}

func cell(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2 // East Asian wide, and emoji
	}
	return 1
}

// Table prints rows under their headings. Where they are wider than the terminal
// each becomes a paragraph: its first column, and below it the others by name.
func Table(w io.Writer, o Options, head []string, rows [][]string) error {
	p := &page{width: o.Width}
	lines := table(append([][]string{head}, rows...), 0)
	fits := func(l string) bool { return o.Width == 0 || cells(l) <= o.Width }
	if !slices.ContainsFunc(lines, func(l string) bool { return !fits(l) }) {
		for _, l := range lines {
			p.line(l)
		}
		return p.write(w, o)
	}
	indent := 0
	for _, h := range head[1:] {
		indent = max(indent, 2+cells(h)+2)
	}
	for _, row := range rows {
		p.line(row[0])
		for i, text := range row[1:] {
			if text == "" {
				continue
			}
			name := strings.ToLower(head[i+1])
			p.hang("  "+name+strings.Repeat(" ", indent-2-cells(name)), indent, text)
		}
	}
	return p.write(w, o)
}
