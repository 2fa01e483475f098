package trial

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/report"
)

// Prove runs every variant of l and holds each against what its folder
// promises: start/ fails on every symptom, solution/ and also/* pass, wrong/*
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
		var must []string // checks that have to fail
		switch {
		case name == "start":
			row.Expected = "fail"
		case strings.HasPrefix(name, "wrong/"):
			if must, err = fix.Fails(v); err != nil {
				return rows, err
			}
			row.Expected = "fail: " + strings.Join(must, ", ")
		default:
			row.Expected = "pass"
		}
		res, err := Run(ctx, root, l, o)
		if err != nil {
			return rows, err
		}
		row.Got, row.Failed, row.Seconds = string(res.Verdict), res.Failed(), res.Elapsed.Seconds()
		row.OK, row.Note = holds(row, res, must)
		if strings.HasPrefix(name, "wrong/") && res.Verdict == lab.Fail {
			for _, id := range row.Failed {
				tripped[id] = true
			}
		}
		add(row)
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
func holds(row report.ProofRow, res *lab.Result, must []string) (bool, string) {
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
	for _, id := range must {
		if !slices.Contains(row.Failed, id) {
			return false, fmt.Sprintf("check %s holds, though the variant must fail on it", id)
		}
	}
	return true, ""
}

// sections are a brief's headings, in their order.
var sections = []string{"## Story", "## Symptoms", "## Your task", "## How it is measured", "## Background"}

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
	} else if n := strings.Count("\n"+string(hints), "\n## "); n < 3 {
		gaps = append(gaps, fmt.Sprintf("hints.md: %d of at least 3 rungs, each under a \"## \" heading", n))
	}
	brief, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		return append(gaps, "README.md is missing")
	}
	at := 0
	for _, heading := range sections {
		i := strings.Index(string(brief[at:]), "\n"+heading+"\n")
		if i < 0 {
			gaps = append(gaps, fmt.Sprintf("README.md has no %q, or not in its place", heading))
			continue
		}
		at += i + 1
	}
	if strings.Contains(string(brief), "TODO") {
		gaps = append(gaps, "README.md still says TODO")
	}
	slices.Sort(gaps)
	return gaps
}
