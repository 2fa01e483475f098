// Package report shows a result: as text in a terminal, as JSON for programs,
// and while a run goes on. It measures nothing and decides nothing.
package report

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/quote"
)

// Options say what the reader's terminal can do.
type Options struct {
	Color bool
	ASCII bool // no ✓, ≤ or ×
	Width int  // columns; 80 if 0, never less than 40
}

func (o Options) width() int {
	if o.Width == 0 {
		return 80
	}
	return max(o.Width, 40)
}

// ascii writes our own signs in ASCII; what others wrote stays as it is.
var ascii = strings.NewReplacer("✓", "+", "✗", "x", "≤", "<=", "≥", ">=", "→", "->", "×", "x", "…", "...", "–", "-", "·", "|")

// Text writes the result for a person. The verdict is the last line, and the
// only one that begins with PASS, FAIL or INVALID: what a learner's program or
// a server said is indented or quoted.
func Text(w io.Writer, r *lab.Result, o Options) error {
	p := &page{width: o.width()}
	head(p, r)
	readings(p, r)
	overTime(p, r, o)
	checks(p, r, o)
	reason(p, r)
	if r.Evidence != "" {
		p.blank()
		p.line("evidence: " + r.Evidence)
	}
	p.blank()
	p.line(Verdict(r, o))
	return p.write(w, o)
}

// Verdict is the line that says how a run ended.
func Verdict(r *lab.Result, o Options) string {
	verdict := strings.ToUpper(string(r.Verdict))
	if r.Live {
		verdict = "live: " + string(r.Verdict) // no line that anybody takes for a verdict
	}
	return fmt.Sprintf("%s %s  (%s)", paint(o, verdictColour(r.Verdict), verdict), r.Lab, seconds(r.Elapsed))
}

func head(p *page, r *lab.Result) {
	p.wrap("", r.Lab+"  "+r.Title)
	facts := []string{r.Variant + "/", fmt.Sprintf("seed %d", r.Seed)}
	if r.Live {
		facts[0] = "the playground as it stands"
	}
	for _, s := range r.Servers {
		facts = append(facts, strings.TrimSpace(s.Name+" "+s.Version)+" ("+s.Origin+" image)")
	}
	p.wrap("", strings.Join(facts, " · "))
}

// readings is the table before and after. Where it does not fit, each reading
// takes two lines.
func readings(p *page, r *lab.Result) {
	rows := [][]string{{"reading", "before", "after", "", ""}}
	for _, x := range pairs(r) {
		rows = append(rows, []string{x.Name, number(x.Before), number(x.After), x.Unit, change(x)})
	}
	if len(rows) == 1 {
		return
	}
	p.blank()
	const right = 1<<1 | 1<<2 // the numbers
	if lines := table(rows, right); widest(lines) <= p.width {
		for _, l := range lines {
			p.line(l)
		}
		return
	}
	for _, row := range rows[1:] {
		p.wrap("", row[0])
		text := strings.TrimSpace(row[1] + " → " + row[2] + " " + row[3])
		if row[4] != "" {
			text += ", " + row[4]
		}
		p.wrap("  ", text)
	}
}

// pair is a reading before and after the fix; nil is not measured.
type pair struct {
	Name   string   `json:"name"`
	Unit   string   `json:"unit"`
	Before *float64 `json:"before"`
	After  *float64 `json:"after"`
}

// pairs joins the readings by name, in the order in which they were taken.
func pairs(r *lab.Result) []pair {
	list := []pair{}
	for _, x := range r.Before.All() {
		list = append(list, pair{Name: x.Name, Unit: x.Unit, Before: finite(x.Value)})
	}
	for _, x := range r.After.All() {
		at := -1
		for i := range list {
			if list[i].Name == x.Name {
				at = i
			}
		}
		if at < 0 {
			list = append(list, pair{Name: x.Name, Unit: x.Unit})
			at = len(list) - 1
		}
		list[at].After = finite(x.Value)
	}
	return list
}

func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func number(v *float64) string {
	if v == nil {
		return "–"
	}
	return lab.Number(*v)
}

// change is how many times smaller or larger the reading is after the fix.
func change(x pair) string {
	if x.Before == nil || x.After == nil || *x.Before <= 0 || *x.After <= 0 {
		return ""
	}
	less := *x.Before / *x.After
	switch {
	case less == 1:
		return "same"
	case max(less, 1/less) < 1.1:
		return "about the same"
	case less > 1:
		return times(less) + "× less"
	default:
		return times(1/less) + "× more"
	}
}

func times(v float64) string {
	if v >= 10 {
		return lab.Number(math.Floor(v)) // never more than it was
	}
	return lab.Number(math.Round(v*10) / 10)
}

func checks(p *page, r *lab.Result, o Options) {
	if len(r.Checks) == 0 {
		return
	}
	p.blank()
	idWidth := 0
	for _, c := range r.Checks {
		idWidth = max(idWidth, cells(c.ID))
	}
	for _, c := range r.Checks {
		mark := paint(o, green, "✓")
		text := strings.TrimPrefix(c.Says, c.ID+" ")
		switch {
		case c.Skipped:
			mark, text = "–", "not measured: the run ended before"
		case !c.OK:
			mark = paint(o, red, "✗")
			fallthrough
		default:
			if c.ID != lab.ApplyCheck {
				text += ", got " + c.Got
			}
		}
		text = quote.Plain(text)
		if indent := 2 + idWidth + 2; indent+24 <= p.width {
			p.hang(mark+" "+c.ID+strings.Repeat(" ", idWidth-cells(c.ID)+2), indent, text)
		} else {
			p.line(mark + " " + c.ID)
			p.wrap("    ", text)
		}
		switch {
		case c.Hint == "":
		case c.Hint == r.Reason: // the error of the fix, which may quote it
			p.quote(c.Hint)
		default:
			p.wrap("    ", quote.Plain(c.Hint))
		}
		if c.Seen != "" {
			p.wrap("    ", "Seen: "+oneLine(c.Seen))
		}
	}
}

// oneLine is what others wrote, and where, without the lines that they made of it.
func oneLine(text string) string { return strings.Join(strings.Fields(quote.Plain(text)), " ") }

// reason says why there is no pass, where no check has said it.
func reason(p *page, r *lab.Result) {
	if r.Reason == "" {
		return
	}
	for _, c := range r.Checks {
		if c.Hint == r.Reason {
			return
		}
	}
	p.blank()
	if r.Verdict == lab.Fail {
		p.quote(r.Reason)
		return
	}
	first, rest, more := strings.Cut(r.Reason, "\n")
	p.wrap("  ", quote.Plain(first))
	if more {
		p.quote(rest)
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// The colours of the terminal.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
)

func verdictColour(v lab.Verdict) string {
	switch v {
	case lab.Pass:
		return green
	case lab.Fail:
		return red
	}
	return yellow
}

func paint(o Options, colour, text string) string {
	if !o.Color {
		return text
	}
	return "\x1b[1;" + colour + "m" + text + "\x1b[0m"
}
