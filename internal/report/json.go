package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"faultlab/internal/lab"
)

// version of the JSON: it grows when a field changes its meaning or goes.
// New fields leave it as it is.
const version = 1

// A point of a series within these can be drawn: a year, and what is far from the
// end of floating point.
const (
	longest = 366 * 24 * 3600
	largest = 1e200
)

// Document is a result for programs, as lab run --json prints it. A reading that
// was not taken is null.
type Document struct {
	Version  int           `json:"version"`
	Lab      string        `json:"lab"`
	Title    string        `json:"title"`
	Variant  string        `json:"variant"`
	Change   string        `json:"change"`            // the variant against start/, a unified diff
	Command  string        `json:"command,omitempty"` // what was run instead of the variant's own files
	Verdict  lab.Verdict   `json:"verdict"`
	Exit     int           `json:"exit"`
	Score    *float64      `json:"score"` // 0 to 1; null where there is none
	Reason   string        `json:"reason"`
	Failed   []string      `json:"failed"`
	Checks   []lab.Outcome `json:"checks"`
	Readings []pair        `json:"readings"`
	Series   []series      `json:"series"` // sampled over time
	Servers  []lab.Server  `json:"servers"`
	Machine  lab.Machine   `json:"machine"`
	Phases   []phase       `json:"phases"`
	Seed     uint64        `json:"seed"`
	Started  time.Time     `json:"started"`
	Seconds  float64       `json:"seconds"`
	Evidence string        `json:"evidence"`
	Live     bool          `json:"live,omitempty"` // a playground's, no verdict on a fix
}

type phase struct {
	Phase   lab.Phase `json:"phase"`
	At      float64   `json:"at"` // seconds since the run started
	Seconds float64   `json:"seconds"`
	Error   string    `json:"error,omitempty"`
}

type series struct {
	Name   string       `json:"name"`
	Unit   string       `json:"unit"`
	Points [][2]float64 `json:"points"` // seconds since the run started, and the value
}

// JSON writes the result for a program.
func JSON(w io.Writer, r *lab.Result) error { return encode(w, Documented(r)) }

// Documented is the result for programs.
func Documented(r *lab.Result) Document {
	d := Document{
		Version: version, Lab: r.Lab, Title: r.Title, Variant: r.Variant, Change: r.Change, Command: r.Command,
		Verdict: r.Verdict, Exit: r.Verdict.ExitCode(), Score: r.Score(), Reason: r.Reason,
		Failed: append([]string{}, r.Failed()...), Checks: append([]lab.Outcome{}, r.Checks...),
		Readings: pairs(r), Series: []series{}, Machine: r.Machine, Servers: append([]lab.Server{}, r.Servers...), Phases: []phase{},
		Seed: r.Seed, Started: r.Started.UTC().Truncate(time.Millisecond), Seconds: r.Elapsed.Seconds(), Evidence: r.Evidence, Live: r.Live,
	}
	for _, t := range r.Phases {
		d.Phases = append(d.Phases, phase{t.Phase, milli(t.At), t.Elapsed.Seconds(), t.Error})
	}
	for _, s := range r.Series {
		points := [][2]float64{}
		for _, p := range s.Points {
			points = append(points, [2]float64{milli(p.At), p.Value})
		}
		d.Series = append(d.Series, series{s.Name, s.Unit, points})
	}
	return d
}

// milli is a moment in seconds, to the millisecond.
func milli(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

// ReadJSON reads back what JSON wrote, for showing it again.
func ReadJSON(from io.Reader) (*lab.Result, error) {
	var d Document
	if err := json.NewDecoder(from).Decode(&d); err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	if d.Version != version {
		return nil, fmt.Errorf("read result: it is of version %d, and this is a lab command for version %d: run the lab again", d.Version, version)
	}
	r := &lab.Result{
		Lab: d.Lab, Title: d.Title, Variant: d.Variant, Change: d.Change, Command: d.Command,
		Verdict: d.Verdict, Reason: d.Reason, Checks: d.Checks, Before: &lab.Readings{}, After: &lab.Readings{},
		Servers: d.Servers, Machine: d.Machine, Seed: d.Seed, Started: d.Started, Elapsed: duration(d.Seconds),
		Evidence: d.Evidence, Live: d.Live,
	}
	for _, x := range d.Readings {
		// One that is no number was taken, but can't be told from one that was not.
		if x.Before != nil || x.After == nil {
			r.Before.Set(x.Name, x.Unit, value(x.Before))
		}
		if x.After != nil {
			r.After.Set(x.Name, x.Unit, *x.After)
		}
	}
	for _, p := range d.Phases {
		r.Phases = append(r.Phases, lab.Took{Phase: p.Phase, At: duration(p.At), Elapsed: duration(p.Seconds), Error: p.Error})
	}
	for _, s := range d.Series {
		points := make([]lab.Point, len(s.Points))
		for i, p := range s.Points {
			if p[0] < 0 || p[0] > longest || math.Abs(p[1]) > largest {
				return nil, fmt.Errorf("read result: the series %q has a point that no run makes", s.Name)
			}
			points[i] = lab.Point{At: duration(p[0]), Value: p[1]}
		}
		slices.SortStableFunc(points, func(a, b lab.Point) int { return cmp.Compare(a.At, b.At) })
		r.Series = append(r.Series, lab.Series{Name: s.Name, Unit: s.Unit, Points: points})
	}
	return r, nil
}

func duration(seconds float64) time.Duration {
	return time.Duration(math.Round(seconds * float64(time.Second)))
}

func value(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
