package report

import (
	"fmt"
	"io"
	"math"
	"strings"

	"faultlab/internal/lab"
	"faultlab/internal/quote"
)

// Round is a run on a screen that is drawn again and again: one under way, or
// one that ended.
type Round struct {
	Result *lab.Result // what is known so far; no verdict while it goes on
	Last   *lab.Result // the one before it that had a pass or a fail; may be nil
	Open   lab.Phase   // the phase under way
	Detail string      // what that phase is at
}

// Body writes a round without the line of its verdict: while it goes on how far
// it is and the readings so far, at its end what decides first.
func Body(w io.Writer, r Round, o Options) error {
	p := &page{width: o.width()}
	if r.Result.Verdict == "" {
		phases(p, r)
		readings(p, r.Result)
		return p.write(w, o)
	}
	since(p, r.Last, r.Result, o)
	checks(p, r.Result, o)
	reason(p, r.Result)
	readings(p, r.Result)
	overTime(p, r.Result, o)
	if r.Result.Evidence != "" {
		p.blank()
		p.wrap("", "evidence: "+r.Result.Evidence)
	}
	p.blank()
	phases(p, r)
	return p.write(w, o)
}

// phases is a line of those that are over, and one of what the present one is at.
func phases(p *page, r Round) {
	var list []string
	for _, t := range r.Result.Phases {
		list = append(list, string(t.Phase)+" "+seconds(t.Elapsed))
	}
	if r.Open != "" {
		list = append(list, string(r.Open)+" …")
	}
	p.wrap("", strings.Join(list, " · "))
	if r.Result.Verdict == "" { // empty if there is none, so that nothing jumps
		first, _, _ := strings.Cut(quote.Plain(r.Detail), "\n")
		p.line("  " + chop(strings.ReplaceAll(first, "\t", " "), p.width-2)[0])
	}
}

// Since writes what changed from one run to the next, both judged: checks that
// now hold or fail, and readings after the fix that differ by a tenth or more.
func Since(w io.Writer, last, now *lab.Result, o Options) error {
	p := &page{width: o.width()}
	since(p, last, now, o)
	return p.write(w, o)
}

func since(p *page, last, now *lab.Result, o Options) {
	if last == nil || !judged(last) || !judged(now) {
		return
	}
	p.blank()
	p.line("since the last run")
	changed := false
	say := func(first string, indent int, text string) {
		changed = true
		p.hang(first, indent, text)
	}
	was := map[string]lab.Outcome{}
	for _, c := range last.Checks {
		was[c.ID] = c
	}
	for _, c := range now.Checks {
		switch b, ok := was[c.ID]; {
		case !ok || c.Skipped && b.Skipped || c.Skipped == b.Skipped && c.OK == b.OK:
		case c.Skipped:
			say("  – ", 4, c.ID+" is not measured any more")
		case c.OK:
			say("  "+paint(o, green, "✓")+" ", 4, c.ID+" now holds")
		default:
			say("  "+paint(o, red, "✗")+" ", 4, c.ID+" now fails")
		}
	}
	for _, x := range pairs(&lab.Result{Before: last.After, After: now.After}) {
		if x.Before == nil || x.After == nil || math.Abs(*x.Before-*x.After) < 0.1*math.Abs(*x.Before) || *x.Before == *x.After {
			continue
		}
		text := strings.TrimSpace(fmt.Sprintf("%s %s → %s %s", x.Name, number(x.Before), number(x.After), x.Unit))
		if c := change(x); c != "" {
			text += ", " + c
		}
		say("    ", 6, text)
	}
	if !changed {
		p.line("  no check and no reading has changed")
	}
}

func judged(r *lab.Result) bool { return r.Verdict == lab.Pass || r.Verdict == lab.Fail }
