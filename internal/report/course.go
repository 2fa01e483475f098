package report

import (
	"fmt"
	"io"
	"strings"

	"faultlab/internal/lab"
	"faultlab/internal/quote"
)

// maxText is how long a text for a course system gets, in bytes: PrairieLearn takes
// 1 MB for a whole submission, Exercism 65,535 characters for a message.
const maxText = 10_000

func bounded(text string) string {
	if text = quote.Plain(text); len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "\n…"
	}
	return text
}

// transcript is what a student is shown of a lab.
func transcript(x Graded) string {
	var b strings.Builder
	for _, c := range x.checks() {
		mark := "✓"
		switch {
		case c.Skipped:
			mark = "–"
		case !c.OK:
			mark = "✗"
		}
		text := c.Says + ", got " + c.Got
		if c.Skipped {
			text = c.ID + ": not measured, the run ended before"
		} else if !c.OK {
			text = says(c)
		}
		fmt.Fprintf(&b, "%s %s\n", mark, strings.ReplaceAll(quote.Plain(text), "\n", "\n  "))
	}
	if x.Verdict == lab.InvalidRun {
		fmt.Fprintf(&b, "Not graded: %s\n", quote.Plain(x.Reason))
	}
	if x.Retried != "" {
		fmt.Fprintf(&b, "It ran twice; the first run was invalid: %s\n", quote.Plain(x.Retried))
	}
	return b.String()
}

// graded says whether all labs of a submission are; total is the sum of their
// scores.
func graded(list []Graded) (total float64, ok bool) {
	for _, x := range list {
		if x.Score == nil {
			return 0, false
		}
		total += *x.Score
	}
	return total, true
}

type gradescope struct {
	Score         float64          `json:"score"`
	ExecutionTime float64          `json:"execution_time"`
	Output        string           `json:"output"`
	Tests         []gradescopeTest `json:"tests"`
}

type gradescopeTest struct {
	Score    float64 `json:"score"`
	MaxScore float64 `json:"max_score"`
	Name     string  `json:"name"`
	Output   string  `json:"output"`
}

// Gradescope writes a submission's results.json for Gradescope: a test a lab, each
// worth 1 point. The format has no word for what is not graded; then there is
// nothing to write and ok is false: an autograder that leaves no file counts there
// as one that failed, and not as a zero.
func Gradescope(w io.Writer, list []Graded) (ok bool, err error) {
	total, ok := graded(list)
	if !ok {
		return false, nil
	}
	g := gradescope{Score: total, Output: "Graded on real servers by faultlab.", Tests: []gradescopeTest{}}
	for _, x := range list {
		g.ExecutionTime += x.Took()
		g.Tests = append(g.Tests, gradescopeTest{*x.Score, 1, x.Lab + ": " + x.Title, bounded(transcript(x))})
	}
	return true, encode(w, g)
}

type prairieLearn struct {
	Gradable     bool       `json:"gradable"`
	Score        *float64   `json:"score,omitempty"`
	Message      string     `json:"message"`
	FormatErrors []string   `json:"format_errors,omitempty"`
	Tests        []prairieT `json:"tests"`
}

type prairieT struct {
	Name        string  `json:"name"`
	Description string  `json:"description"`
	Points      float64 `json:"points"`
	MaxPoints   float64 `json:"max_points"`
	Message     string  `json:"message"`
	Output      string  `json:"output"`
}

// PrairieLearn writes a submission's results.json for PrairieLearn. What is invalid
// makes it not gradable, which costs no attempt.
func PrairieLearn(w io.Writer, list []Graded) error {
	p := prairieLearn{Tests: []prairieT{}, Message: "Graded on real servers by faultlab."}
	if total, ok := graded(list); ok {
		score := total / float64(max(1, len(list)))
		p.Gradable, p.Score = true, &score
	}
	room := 900_000 // of the 1 MB that a file may have
	for _, x := range list {
		if x.Score == nil {
			p.Message = "Not graded, through no fault of yours."
			p.FormatErrors = append(p.FormatErrors, x.Lab+" was not graded, through no fault of yours: "+oneLine(x.Reason))
			continue
		}
		output := bounded(transcript(x))
		if room -= 6 * len(output); room < 0 { // JSON writes some bytes as six
			output = ""
		}
		p.Tests = append(p.Tests, prairieT{x.Lab, x.Title, *x.Score, 1, string(x.Verdict), output})
	}
	return encode(w, p)
}

type exercism struct {
	Version int         `json:"version"`
	Status  string      `json:"status"`
	Message *string     `json:"message"`
	Tests   []exercismT `json:"tests"`
}

type exercismT struct {
	Name    string  `json:"name"`
	Code    string  `json:"test_code"`
	Status  string  `json:"status"`
	Message *string `json:"message"`
}

// Exercism writes one lab's results.json for Exercism, version 3: a test a check.
// What is invalid is an error there, with a message that blames nobody.
func Exercism(w io.Writer, x Graded) error {
	e := exercism{Version: 3, Status: string(x.Verdict), Tests: []exercismT{}}
	set := func(text string) *string { text = bounded(text); return &text }
	switch {
	case x.Verdict == lab.InvalidRun:
		e.Status, e.Message = "error", set("Not graded, through no fault of yours: "+x.Reason)
	case x.Run == nil:
		e.Status, e.Message = "error", set(x.Reason)
	default:
		for _, c := range x.checks() {
			t := exercismT{Name: c.ID, Code: c.Says, Status: "pass"}
			switch {
			case c.Skipped:
				t.Status, t.Message = "error", set("not measured: the run ended before")
			case !c.OK:
				t.Status, t.Message = "fail", set(says(c))
			}
			e.Tests = append(e.Tests, t)
		}
	}
	return encode(w, e)
}
