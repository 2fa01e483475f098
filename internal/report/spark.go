package report

import (
	"slices"
	"strings"
	"time"

	"faultlab/internal/lab"
)

const (
	bars8      = "▁▂▃▄▅▆▇█"
	bars8ASCII = "_.,-=+*#"
)

// overTime draws each series in one line, with what went on below it.
func overTime(p *page, r *lab.Result, o Options) {
	for _, s := range r.Series {
		if len(s.Points) < 2 {
			continue
		}
		p.blank()
		low, high := extent(s.Points)
		p.wrap("", s.Name+"  "+lab.Number(round(low))+" to "+lab.Number(round(high))+" "+s.Unit)
		line, below := spark(s, moments(r), min(p.width-2, 72), o.ASCII)
		p.line("  " + line)
		p.line("  " + below)
	}
}

// spark is a series in n columns and the names of the parts of the run, each
// below the column where it began; a name that has no room is left out. A
// column is the mean of its samples, or what the one before it was; the tallest
// is the highest mean.
func spark(s lab.Series, parts []moment, n int, ascii bool) (line, below string) {
	first, last := s.Points[0].At, s.Points[len(s.Points)-1].At
	column := func(at time.Duration) int {
		return min(n-1, int(float64(n)*float64(at-first)/float64(max(1, last-first))))
	}
	means, counts := make([]float64, n), make([]int, n)
	for _, p := range s.Points {
		i := column(p.At)
		counts[i]++
		means[i] += (p.Value - means[i]) / float64(counts[i])
	}
	for i := 1; i < n; i++ {
		if counts[i] == 0 {
			means[i] = means[i-1]
		}
	}
	signs := []rune(bars8)
	if ascii {
		signs = []rune(bars8ASCII)
	}
	low, high := min(0, slices.Min(means)), slices.Max(means)
	var b strings.Builder
	for _, v := range means {
		part := 0.0
		if high > low {
			part = (v - low) / (high - low)
		}
		b.WriteRune(signs[min(len(signs)-1, int(part*float64(len(signs))))])
	}
	row := []rune(strings.Repeat(" ", n))
	corner := '╰'
	if ascii {
		corner = '^'
	}
	for _, name := range []string{"fix", "broken", "hold", "fixed"} { // the first finds most room
		for _, m := range parts {
			if m.Name != name || m.To < first || m.From > last {
				continue
			}
			text := []rune(string(corner) + name)
			at := max(0, column(max(m.From, first)))
			if end := at + len(text); end <= n && strings.TrimSpace(string(row[at:min(n, end+1)])) == "" && (at == 0 || row[at-1] == ' ') {
				copy(row[at:], text)
			}
		}
	}
	return b.String(), string(row)
}
