package lab

import "time"

// Verdict is how a run ended.
type Verdict string

// The three verdicts. Fail is the learner's; Invalid is ours: Docker, the
// seed, a failure that did not reproduce.
const (
	Pass       Verdict = "pass"
	Fail       Verdict = "fail"
	InvalidRun Verdict = "invalid"
)

// ExitCode is the command's exit status for a verdict.
func (v Verdict) ExitCode() int {
	switch v {
	case Pass:
		return 0
	case Fail:
		return 1
	}
	return 3
}

// Took is a phase and how long it took.
type Took struct {
	Phase   Phase
	At      time.Duration // when it began, since the run started
	Elapsed time.Duration
	Error   string
}

// Machine is what a run ran on.
type Machine struct {
	OS    string `json:"os"`
	Arch  string `json:"arch"`
	Cores int    `json:"cores"` // that the harness, the load and the servers share
}

// Result is all that is known of one run.
type Result struct {
	Lab      string
	Title    string
	Variant  string
	Change   string // the variant's files against start/, as a unified diff; empty if they are the same
	Command  string // what was run instead of the variant's own files
	Verdict  Verdict
	Reason   string // why it is invalid, or which error was the learner's
	Checks   []Outcome
	Before   *Readings
	After    *Readings
	Series   []Series
	Servers  []Server
	Machine  Machine
	Phases   []Took
	Seed     uint64
	Started  time.Time
	Elapsed  time.Duration
	Evidence string // folder; empty after a pass
	Live     bool   // of a playground as it stood, and so no verdict on a fix
}

// Failed lists the ids of the checks that failed.
func (r *Result) Failed() []string {
	var ids []string
	for _, o := range r.Checks {
		if !o.OK && !o.Skipped {
			ids = append(ids, o.ID)
		}
	}
	return ids
}

// Score is how much of what was broken is healed, from 0 to 1, by the weights of
// the checks; nil where there is none: the run is invalid, or a playground's.
// Pass is 1, and nothing else is. Who does nothing has 0, as only what failed on
// the broken state counts. So has who breaks what worked, or ends the run before
// that could be looked at: no healing outweighs harm.
func (r *Result) Score() *float64 {
	if r.Live || r.Verdict == InvalidRun {
		return nil
	}
	healed, broken := 0.0, 0.0
	for _, c := range r.Checks {
		if c.Weight == 0 && !c.OK {
			return new(float64)
		}
		if c.OK {
			healed += c.Weight
		}
		broken += c.Weight
	}
	score := 0.0
	switch {
	case r.Verdict == Pass:
		score = 1
	case broken > 0:
		score = healed / broken
	}
	return &score
}
