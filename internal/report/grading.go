package report

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"faultlab/internal/lab"
)

// gradingVersion is the version of results.json: it grows when a field changes its
// meaning or goes. New fields leave it as it is.
const gradingVersion = 1

// Grading is results.json: what came of the labs of each submission.
type Grading struct {
	Version  int         `json:"version" jsonschema:"1 until a field changes its meaning or goes"`
	Faultlab string      `json:"faultlab" jsonschema:"the revision of faultlab that graded"`
	Go       string      `json:"go" jsonschema:"the version of Go that built it"`
	Machine  lab.Machine `json:"machine"`
	Seed     uint64      `json:"seed" jsonschema:"what all data derives from, below 2^53; lab grade --seed takes it"`
	Started  time.Time   `json:"started"`
	Seconds  float64     `json:"seconds"`
	Shard    *Shard      `json:"shard" jsonschema:"which part of the grading this is; null: all of it"`
	Planned  []Attempt   `json:"planned" jsonschema:"what the whole grading consists of, in all shards"`
	Graded   []Graded    `json:"graded"`
}

// Shard is one part of a grading.
type Shard struct {
	Index int `json:"index" jsonschema:"from 1"`
	Of    int `json:"of"`
}

// Attempt is one lab of one submission.
type Attempt struct {
	Submission string `json:"submission"`
	Lab        string `json:"lab"`
}

// Graded is what came of an attempt.
type Graded struct {
	Attempt
	Title   string      `json:"title" jsonschema:"of the lab"`
	Verdict lab.Verdict `json:"verdict" jsonschema:"pass, fail, or invalid: not graded, through no fault of the submission's"`
	Score   *float64    `json:"score" jsonschema:"0 to 1: how much of what was broken is healed; null if the verdict is invalid"`
	Reason  string      `json:"reason" jsonschema:"why it is invalid, or which error was the submission's; else empty"`
	Runs    int         `json:"runs" jsonschema:"on how many sets of fresh servers it ran: 0 without a fix that can be run, 2 if the first was invalid"`
	Retried string      `json:"retried" jsonschema:"why the first run was invalid; empty if there was only one"`
	Fix     HandedIn    `json:"fix"`
	// LabDigest changes with every file of the lab's folder.
	LabDigest string    `json:"lab_digest" jsonschema:"sha256 of the files of the lab"`
	Evidence  []string  `json:"evidence" jsonschema:"files about the run, from the folder of results.json"`
	Run       *Document `json:"run" jsonschema:"the run that decided, as lab run --json prints it, without its series; null if none did"`
}

// HandedIn is what of a submission was judged.
type HandedIn struct {
	Folder  string   `json:"folder" jsonschema:"where it lies in the submission"`
	Files   []string `json:"files"`
	Digest  string   `json:"digest" jsonschema:"sha256 of names and contents; empty if there was no fix"`
	Ignored []string `json:"ignored" jsonschema:"what else is in the submission; a folder ends in a slash"`
}

//go:embed results.schema.json
var schema string

// Schema is the JSON Schema of results.json.
func Schema() string { return schema }

// JSON writes results.json.
func (g *Grading) JSON(w io.Writer) error { return encode(w, g) }

// NewGrading is a grading without any attempt.
func NewGrading() *Grading {
	return &Grading{Version: gradingVersion, Planned: []Attempt{}, Graded: []Graded{}}
}

// ReadGrading reads a results.json.
func ReadGrading(r io.Reader) (*Grading, error) {
	var g Grading
	if err := json.NewDecoder(r).Decode(&g); err != nil {
		return nil, fmt.Errorf("it is no results.json: %w", err)
	}
	if g.Version != gradingVersion {
		return nil, fmt.Errorf("it is of version %d, and this is a lab command for version %d", g.Version, gradingVersion)
	}
	for _, x := range g.Graded {
		if x.Submission == "" || x.Lab == "" {
			return nil, errors.New("it is no results.json: an attempt has no submission or no lab")
		}
	}
	return &g, nil
}

// Submissions lists the names, in the order in which they were graded.
func (g *Grading) Submissions() []string {
	var names []string
	for _, x := range g.Graded {
		if !slices.Contains(names, x.Submission) {
			names = append(names, x.Submission)
		}
	}
	return names
}

// Of is what came of one submission's labs.
func (g *Grading) Of(submission string) (list []Graded) {
	for _, x := range g.Graded {
		if x.Submission == submission {
			list = append(list, x)
		}
	}
	return list
}

// Exit is the exit status: 3 if something is invalid or missing, else 1 if
// something failed.
func (g *Grading) Exit() int {
	code := 0
	for _, x := range g.Graded {
		code = max(code, x.Verdict.ExitCode())
	}
	if len(g.Missing()) > 0 {
		code = lab.InvalidRun.ExitCode()
	}
	return code
}

// Missing lists what was planned for the whole grading and is not here, unless
// this is a shard and the others have it.
func (g *Grading) Missing() (list []Attempt) {
	if g.Shard != nil {
		return nil
	}
	for _, p := range g.Planned {
		if !slices.ContainsFunc(g.Graded, func(x Graded) bool { return x.Attempt == p }) {
			list = append(list, p)
		}
	}
	return list
}

// Took is how long the run that decided took, in seconds, without the wait for other
// labs on the machine; 0 if none did.
func (x Graded) Took() float64 {
	if x.Run == nil {
		return 0
	}
	took := x.Run.Seconds
	for _, p := range x.Run.Phases {
		if p.Phase == lab.Admit {
			took -= p.Seconds
		}
	}
	return max(took, 0)
}

// says is the check in one text: what it wants, what was measured, what that
// means. Others wrote some of it.
func says(c lab.Outcome) string {
	text := c.Says + ", got " + c.Got
	for _, more := range []string{c.Hint, c.Seen} {
		if more != "" {
			text += "\n" + more
		}
	}
	return text
}

// checks of the run that decided, or, where there was none, the one that failed.
func (x Graded) checks() []lab.Outcome {
	switch {
	case x.Run != nil && x.Verdict != lab.InvalidRun:
		return x.Run.Checks
	case x.Verdict == lab.Fail:
		return []lab.Outcome{{ID: lab.ApplyCheck, Says: "there is a fix that can be applied", Got: "none", Hint: x.Reason}}
	}
	return nil
}

// Table writes a grading for a person: one line an attempt.
func (g *Grading) Table(w io.Writer) error {
	rows := [][]string{{"submission", "lab", "verdict", "score", "seconds", ""}}
	n := map[lab.Verdict]int{}
	for _, x := range g.Graded {
		n[x.Verdict]++
		score, took, note := "–", "", oneLine(x.Reason)
		if x.Score != nil {
			score = lab.Number(*x.Score)
		}
		if x.Run != nil {
			took = fmt.Sprintf("%.1f", x.Took())
		}
		if x.Verdict == lab.Fail && x.Run != nil {
			note = oneLine(fmt.Sprint(x.Run.Failed))
		}
		if x.Retried != "" {
			note += " (ran twice; at first: " + oneLine(x.Retried) + ")"
		}
		rows = append(rows, []string{oneLine(x.Submission), x.Lab, string(x.Verdict), score, took, note})
	}
	p := &page{width: 100}
	const right = 1<<3 | 1<<4
	for _, l := range table(rows, right) {
		p.line(l)
	}
	p.blank()
	p.line(fmt.Sprintf("%d passed, %d failed, %d not graded  (seed %d, %.1f s)", n[lab.Pass], n[lab.Fail], n[lab.InvalidRun], g.Seed, g.Seconds))
	for _, x := range g.Missing() {
		p.line(fmt.Sprintf("missing: %s %s", oneLine(x.Submission), x.Lab))
	}
	return p.write(w, Options{})
}
