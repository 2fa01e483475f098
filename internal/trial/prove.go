package trial

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/report"
)

// Prove runs every variant of l and holds each against what its folder
// promises: start/ fails and scores 0, solution/ and also/* pass, wrong/*
// fail on the checks that they name, and each check is tripped by a wrong
// variant. each is called after every row.
func Prove(ctx context.Context, root string, l *lab.Lab, o Options, each func(report.ProofRow)) ([]report.ProofRow, error) {
	dir := Dir(root, l.Name)
	if err := l.Validate(); err != nil {
		return nil, err
	}
	variants, err := fix.List(dir)
	if err != nil {
		return nil, err
	}
	var rows []report.ProofRow
	add := func(row report.ProofRow) {
		rows = append(rows, row)
		each(row)
	}
	for _, gap := range Gaps(dir, variants) {
		add(report.ProofRow{Lab: l.Name, Variant: "(folder)", Expected: "complete", Got: "incomplete", Note: gap})
	}
	tripped := map[string]bool{}
	shown := 0
	explained, err := Explained(dir)
	if err != nil {
		return nil, err
	}
	text, _ := readBrief(dir) // a gap if it is missing
	dark := map[string]bool{} // readings that nothing explains
	for _, name := range variants {
		if err := ctx.Err(); err != nil {
			return rows, context.Cause(ctx)
		}
		v, err := fix.Read(dir, name, l.Fix)
		if err != nil {
			return rows, err
		}
		o.Variant = name
		row := report.ProofRow{Lab: l.Name, Variant: name}
		var must fix.Promise
		switch {
		case name == "start":
			row.Expected = "fail"
		case strings.HasPrefix(name, "wrong/"):
			if must, err = fix.Promised(v); err != nil {
				return rows, err
			}
			row.Expected = "fail: " + strings.Join(must.Fails, ", ")
			if must.Shows != "" {
				shown++
			}
		default:
			row.Expected = "pass"
		}
		res, err := Run(ctx, root, l, o)
		if err != nil {
			return rows, err
		}
		row.Got, row.Failed, row.Seconds = string(res.Verdict), res.Failed(), res.Elapsed.Seconds()
		row.Score = res.Score()
		row.OK, row.Note = holds(row, res, must)
		if strings.HasPrefix(name, "wrong/") && res.Verdict == lab.Fail {
			for _, id := range row.Failed {
				tripped[id] = true
			}
		}
		if name == "start" {
			for _, note := range text.wrong(res.Before) {
				add(report.ProofRow{Lab: l.Name, Variant: "(brief)", Expected: "measured", Got: "wrong", Note: note})
			}
		}
		for _, x := range slices.Concat(res.Before.All(), res.After.All()) {
			if !slices.ContainsFunc(explained, func(m Meaning) bool { return m.Reading == x.Name }) {
				dark[x.Name] = true
			}
		}
		add(row)
	}
	for _, name := range slices.Sorted(maps.Keys(dark)) {
		add(report.ProofRow{
			Lab: l.Name, Variant: "(reading " + name + ")", Expected: "explained", Got: "unexplained",
			Note: "readings.md has no section \"## " + name + "\" that says what it means and how to see it",
		})
	}
	if shown < 2 {
		add(report.ProofRow{
			Lab: l.Name, Variant: "(hints)", Expected: "at least 2 shown", Got: strconv.Itoa(shown),
			Note: "too few wrong variants have a line \"shows: …\": what the learner is told to have been seen",
		})
	}
	for _, c := range l.Checks {
		if !tripped[c.ID] && c.WhyKept() == "" {
			add(report.ProofRow{
				Lab: l.Name, Variant: "(check " + c.ID + ")", Expected: "tripped", Got: "dead",
				Note: "no wrong variant trips it: add one, drop the check, or say why it is Kept",
			})
		}
	}
	return rows, nil
}

// holds says whether a result is what the variant's folder promises, and if
// not, in what it differs.
func holds(row report.ProofRow, res *lab.Result, must fix.Promise) (bool, string) {
	want := lab.Fail
	if row.Expected == "pass" {
		want = lab.Pass
	}
	if res.Verdict != want {
		if res.Reason != "" {
			return false, res.Reason
		}
		return false, "the verdict is wrong"
	}
	if row.Variant == "start" && *row.Score > 0 {
		return false, fmt.Sprintf("doing nothing scores %s: a check that failed on the broken state holds without a fix", lab.Number(*row.Score))
	}
	var seen []string
	for _, id := range must.Fails {
		if !slices.Contains(row.Failed, id) {
			return false, fmt.Sprintf("check %s holds, though the variant must fail on it", id)
		}
		for _, c := range res.Checks {
			if c.ID == id {
				seen = append(seen, c.Seen)
			}
		}
	}
	if text := strings.Join(seen, "\n"); !strings.Contains(text, must.Shows) {
		return false, fmt.Sprintf("the learner must be shown %q, and is shown %q", must.Shows, text)
	}
	return true, ""
}

// Gaps lists what a lab's folder still lacks before the lab is done.
func Gaps(dir string, variants []string) []string {
	var gaps []string
	count := func(prefix string) (n int) {
		for _, v := range variants {
			if strings.HasPrefix(v, prefix) {
				n++
			}
		}
		return n
	}
	for prefix, least := range map[string]int{"start": 1, "solution": 1, "also/": 2, "wrong/": 4} {
		if n := count(prefix); n < least {
			gaps = append(gaps, fmt.Sprintf("%s: %d of at least %d variants", prefix, n, least))
		}
	}
	hints, err := os.ReadFile(filepath.Join(dir, "hints.md"))
	if err != nil {
		gaps = append(gaps, "hints.md is missing")
	} else if n := len(parts(string(hints))); n < 3 {
		gaps = append(gaps, fmt.Sprintf("hints.md: %d of at least 3 rungs, each under a \"## \" heading", n))
	}
	if b, err := readBrief(dir); err != nil {
		gaps = append(gaps, "README.md is missing")
	} else {
		gaps = append(gaps, b.gaps(dir)...)
	}
	slices.Sort(gaps)
	return gaps
}
