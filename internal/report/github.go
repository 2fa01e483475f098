package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"faultlab/internal/lab"
	"faultlab/internal/quote"
)

// maxSummary is how large a summary gets, in bytes: GitHub refuses one above 1 MiB
// altogether. A step's annotations beyond ten of a kind are not shown.
const (
	maxSummary     = 900 << 10
	maxAnnotations = 10
)

// Summary writes the grading in Markdown, for the summary of a GitHub workflow. What
// others wrote stands in blocks of code that it can't end.
func (g *Grading) Summary(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## faultlab: %d labs graded\n\n", len(g.Graded))
	b.WriteString("| | submission | lab | verdict | score | failing checks |\n|---|---|---|---|--:|---|\n")
	for i, x := range g.Graded {
		if b.Len() > maxSummary/2 {
			fmt.Fprintf(&b, "| | | | and %d more | | |\n", len(g.Graded)-i)
			break
		}
		mark := map[lab.Verdict]string{lab.Pass: "✅", lab.Fail: "❌", lab.InvalidRun: "⚠️"}[x.Verdict]
		score, verdict, failed := "–", string(x.Verdict), ""
		if x.Score != nil {
			score = lab.Number(*x.Score)
		}
		if x.Verdict == lab.InvalidRun {
			verdict = "invalid: not graded"
		}
		if x.Run != nil {
			failed = strings.Join(x.Run.Failed, ", ")
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", mark, code(x.Submission), x.Lab, verdict, score, failed)
	}
	for _, x := range g.Missing() {
		fmt.Fprintf(&b, "| ⚠️ | %s | %s | missing | – | |\n", code(x.Submission), x.Lab)
	}
	fmt.Fprintf(&b, "\nSeed %d, %.0f s, %s.\n", g.Seed, g.Seconds, g.Faultlab)
	for _, x := range g.Graded {
		if x.Verdict == lab.Pass && x.Retried == "" {
			continue
		}
		var text strings.Builder
		for _, c := range x.checks() {
			if !c.OK && !c.Skipped {
				fmt.Fprintf(&text, "✗ %s\n", quote.Plain(says(c)))
			}
		}
		if text.Len() == 0 && x.Reason != "" {
			text.WriteString(quote.Plain(x.Reason) + "\n")
		}
		if x.Retried != "" {
			text.WriteString("It ran twice; the first run was invalid: " + quote.Plain(x.Retried) + "\n")
		}
		block := fmt.Sprintf("\n### %s %s\n\n%s\n", code(x.Submission), x.Lab, fenced(text.String()))
		if b.Len()+len(block) > maxSummary {
			b.WriteString("\nThe rest is in results.json.\n")
			break
		}
		b.WriteString(block)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// code is text of others in a line of Markdown, also in a table.
func code(text string) string {
	return "`" + strings.NewReplacer("`", "'", "|", "¦").Replace(oneLine(text)) + "`"
}

var ticks = regexp.MustCompile("`+")

// fenced is text as a block of code, with a fence that is longer than any in it.
func fenced(text string) string {
	longest := 2
	for _, run := range ticks.FindAllString(text, -1) {
		longest = max(longest, len(run))
	}
	fence := strings.Repeat("`", longest+1)
	return fence + "text\n" + strings.TrimRight(text, "\n") + "\n" + fence
}

// Annotations writes workflow commands: an error for each lab that failed, a warning
// for each that could not be graded.
func (g *Grading) Annotations(w io.Writer) error {
	shown := map[lab.Verdict]int{}
	for _, x := range g.Graded {
		if shown[x.Verdict]++; x.Verdict == lab.Pass || shown[x.Verdict] > maxAnnotations {
			continue
		}
		kind, text := "error", x.Reason
		if x.Verdict == lab.InvalidRun {
			kind = "warning"
		} else {
			for _, c := range x.checks() {
				if !c.OK && !c.Skipped {
					text = says(c)
					break
				}
			}
		}
		title := x.Submission + ", " + x.Lab + ": " + string(x.Verdict)
		if _, err := fmt.Fprintf(w, "::%s title=%s::%s\n", kind, property.Replace(quote.Plain(title)), data.Replace(quote.Plain(text))); err != nil {
			return err
		}
	}
	return nil
}

// How the runner wants what could end a command, or a value in it, to be written.
var (
	data     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// Fence keeps GitHub's runner from taking a line for a command: it looks for "::"
// where a line begins, after blanks of any script, and for "##[" anywhere. Lines are written when they end.
func Fence(w io.Writer) io.Writer { return &fence{w: w} }

type fence struct {
	w    io.Writer
	line []byte
}

var commandRE = regexp.MustCompile(`^[\s\v\p{Z}\x{85}\x{feff}]*::|##\[`)

func (f *fence) Write(b []byte) (int, error) {
	for _, c := range b {
		f.line = append(f.line, c)
		if c != '\n' && c != '\r' {
			continue
		}
		if _, err := f.w.Write(commandRE.ReplaceAllFunc(f.line, broken)); err != nil {
			return 0, err
		}
		f.line = f.line[:0]
	}
	return len(b), nil
}

// broken is a command with a blank in its mark.
func broken(mark []byte) []byte {
	last := len(mark) - 1
	return append(append([]byte{}, mark[:last]...), ' ', mark[last])
}
