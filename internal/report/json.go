package report

import (
	"encoding/json"
	"io"
	"time"

	"faultlab/internal/lab"
)

// version of the JSON: it grows when a field changes its meaning or goes.
// New fields leave it as it is.
const version = 1

type document struct {
	Version  int           `json:"version"`
	Lab      string        `json:"lab"`
	Title    string        `json:"title"`
	Variant  string        `json:"variant"`
	Verdict  lab.Verdict   `json:"verdict"`
	Exit     int           `json:"exit"`
	Reason   string        `json:"reason"`
	Failed   []string      `json:"failed"`
	Checks   []lab.Outcome `json:"checks"`
	Readings []pair        `json:"readings"`
	Servers  []lab.Server  `json:"servers"`
	Phases   []phase       `json:"phases"`
	Seed     uint64        `json:"seed"`
	Started  time.Time     `json:"started"`
	Seconds  float64       `json:"seconds"`
	Evidence string        `json:"evidence"`
	Live     bool          `json:"live,omitempty"` // a playground's, no verdict on a fix
}

type phase struct {
	Phase   lab.Phase `json:"phase"`
	Seconds float64   `json:"seconds"`
	Error   string    `json:"error,omitempty"`
}

// JSON writes the result for a program. A reading that was not taken is null.
func JSON(w io.Writer, r *lab.Result) error {
	d := document{
		Version: version, Lab: r.Lab, Title: r.Title, Variant: r.Variant,
		Verdict: r.Verdict, Exit: r.Verdict.ExitCode(), Reason: r.Reason,
		Failed: append([]string{}, r.Failed()...), Checks: append([]lab.Outcome{}, r.Checks...),
		Readings: pairs(r), Servers: append([]lab.Server{}, r.Servers...), Phases: []phase{},
		Seed: r.Seed, Started: r.Started.UTC().Truncate(time.Millisecond), Seconds: r.Elapsed.Seconds(), Evidence: r.Evidence, Live: r.Live,
	}
	for _, t := range r.Phases {
		d.Phases = append(d.Phases, phase{t.Phase, t.Elapsed.Seconds(), t.Error})
	}
	return encode(w, d)
}

func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
