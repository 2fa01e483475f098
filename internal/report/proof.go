package report

import (
	"fmt"
	"io"
	"strings"

	"faultlab/internal/lab"
	"faultlab/internal/quote"
)

// ProofRow is one line of a proof: a variant, and whether it ended as its
// folder promises.
type ProofRow struct {
	Lab      string   `json:"lab"`
	Variant  string   `json:"variant"`
	Expected string   `json:"expected"` // "pass", "fail", "fail: rows-examined"
	Got      string   `json:"got"`
	Failed   []string `json:"failed"` // ids of the checks that failed
	Score    *float64 `json:"score"`  // nil: there is none
	Seconds  float64  `json:"seconds"`
	OK       bool     `json:"ok"`
	Note     string   `json:"note,omitempty"` // what is wrong
}

// Proof writes the table of a proof, and below it what is wrong.
func Proof(w io.Writer, rows []ProofRow) error {
	cells := [][]string{{"", "lab", "variant", "expected", "got", "score", "failing checks", "seconds"}}
	good, total := 0, 0.0
	for _, r := range rows {
		mark := "✗"
		if r.OK {
			mark = "✓"
			good++
		}
		total += r.Seconds
		score := ""
		if r.Score != nil {
			score = lab.Number(*r.Score)
		}
		cells = append(cells, []string{
			mark, r.Lab, r.Variant, r.Expected, r.Got, score, strings.Join(r.Failed, " "), fmt.Sprintf("%.1f", r.Seconds),
		})
	}
	p := &page{width: 100}
	const right = 1<<5 | 1<<7 // the numbers
	for _, l := range table(cells, right) {
		p.line(l)
	}
	if good < len(rows) {
		p.blank()
	}
	for _, r := range rows {
		if !r.OK {
			p.line("✗ " + r.Lab + " " + r.Variant)
			p.wrap("    ", quote.Plain(r.Note))
		}
	}
	p.blank()
	p.line(fmt.Sprintf("%d of %d as expected  (%.1f s)", good, len(rows), total))
	_, err := io.WriteString(w, p.String())
	return err
}

// ProofJSON writes the same for a program.
func ProofJSON(w io.Writer, rows []ProofRow) error {
	d := struct {
		Version int        `json:"version"`
		OK      bool       `json:"ok"`
		Rows    []ProofRow `json:"rows"`
	}{version, true, append([]ProofRow{}, rows...)}
	for i := range d.Rows {
		d.Rows[i].Failed = append([]string{}, d.Rows[i].Failed...)
		d.OK = d.OK && d.Rows[i].OK
	}
	return encode(w, d)
}
