package lab

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Reading is one number measured on a server.
type Reading struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
}

// Readings keeps readings in the order in which they were taken. Several
// goroutines may take them at once.
type Readings struct {
	mu    sync.Mutex
	list  []Reading
	taken func(Reading)     // nil: nobody wants to know
	notes map[string]string // by reading
}

// Set adds a reading, or replaces the one of that name.
func (r *Readings) Set(name, unit string, value float64) {
	x := Reading{name, unit, value}
	r.put(x)
	if r.taken != nil {
		r.taken(x)
	}
}

func (r *Readings) put(x Reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.list {
		if r.list[i].Name == x.Name {
			r.list[i] = x
			return
		}
	}
	r.list = append(r.list, x)
}

// Note says what was seen where a reading was taken, as a fact of the server:
// which index was used, which order is lost. Whoever fails a check of the reading
// is shown it. The first note of a reading stands.
func (r *Readings) Note(name, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, noted := r.notes[name]; noted {
		return
	}
	if r.notes == nil {
		r.notes = map[string]string{}
	}
	r.notes[name] = fmt.Sprintf(format, args...)
}

func (r *Readings) note(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.notes[name]
}

// Get returns the reading of that name.
func (r *Readings) Get(name string) (Reading, bool) {
	for _, x := range r.All() {
		if x.Name == name {
			return x, true
		}
	}
	return Reading{}, false
}

// All returns the readings in order.
func (r *Readings) All() []Reading {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

// copied is what was taken so far.
func (r *Readings) copied() *Readings {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &Readings{list: slices.Clone(r.list), notes: maps.Clone(r.notes)}
}

// number says whether there is a reading of that name that can be judged.
func (r *Readings) number(name string) bool {
	x, ok := r.Get(name)
	return ok && !math.IsNaN(x.Value) && !math.IsInf(x.Value, 0)
}

// ApplyCheck is the id of the check that every lab has: the fix was applied,
// or built and run, without an error and in time.
const ApplyCheck = "applies"

// Check is a statement about the readings before and after the fix.
type Check struct {
	ID      string
	Says    string // what good looks like: "rows-examined ≤ 200"
	Reading string // the reading it is about
	symptom bool
	ratio   bool // compares with the reading before the fix
	smaller bool // the smaller the reading, the better
	weight  float64
	kept    string
	hint    string
	holds   func(before, after *Readings) (ok bool, got string)
}

// Symptom marks a check that must fail on the broken state; if it holds there,
// the failure did not reproduce and the run is invalid. A Better can't be one:
// nothing is smaller than itself, so it would always be there.
func (c Check) Symptom() Check { c.symptom = true; return c }

// Named gives a check an id of its own instead of its reading's name.
func (c Check) Named(id string) Check { c.ID = id; return c }

// Else says, in the words of the service, what it means that the check failed.
func (c Check) Else(text string) Check { c.hint = text; return c }

// Weight says what the check counts for in the score, next to the 1 of others.
func (c Check) Weight(w float64) Check { c.weight = w; return c }

// Kept says why a check stays although no wrong variant of the lab trips it.
func (c Check) Kept(why string) Check { c.kept = why; return c }

// Smaller says that the smaller the check's reading is, the better.
func (c Check) Smaller() bool { return c.smaller }

// WhyKept is what Kept was told.
func (c Check) WhyKept() string { return c.kept }

// AtMost wants the reading after the fix to be ≤ limit.
func AtMost(reading string, limit float64) Check {
	c := after(reading, "≤ "+Number(limit), func(v float64) bool { return v <= limit })
	c.smaller = true
	return c
}

// AtLeast wants the reading after the fix to be ≥ limit.
func AtLeast(reading string, limit float64) Check {
	return after(reading, "≥ "+Number(limit), func(v float64) bool { return v >= limit })
}

// Equal wants the reading after the fix to be exactly value.
func Equal(reading string, value float64) Check {
	return after(reading, "= "+Number(value), func(v float64) bool { return v == value })
}

// Better wants the reading to have shrunk by at least this factor. Its id is
// the reading's name with "-ratio" behind it.
func Better(reading string, factor float64) Check {
	return Check{
		ID:      reading + "-ratio",
		Says:    fmt.Sprintf("%s at least %s times smaller than before", reading, Number(factor)),
		Reading: reading,
		weight:  1,
		ratio:   true,
		smaller: true,
		holds: func(before, after *Readings) (bool, string) {
			b, ok := before.Get(reading)
			a, ok2 := after.Get(reading)
			if !ok || !ok2 {
				return false, "not measured"
			}
			got := fmt.Sprintf("%s → %s", Number(b.Value), Number(a.Value))
			return a.Value*factor <= b.Value, got
		},
	}
}

func after(reading, says string, good func(float64) bool) Check {
	return Check{
		ID:      reading,
		Says:    reading + " " + says,
		Reading: reading,
		weight:  1,
		holds: func(_, after *Readings) (bool, string) {
			x, ok := after.Get(reading)
			if !ok {
				return false, "not measured"
			}
			return good(x.Value), strings.TrimSpace(Number(x.Value) + " " + x.Unit)
		},
	}
}

// Outcome is a check as it came out.
type Outcome struct {
	ID string `json:"id"`
	OK bool   `json:"ok"`
	// Weight is what the check counts for in the score. It is 0 if nothing is won
	// by it: it held on the broken state already, or was not measured there.
	Weight float64 `json:"weight"`
	Says   string  `json:"says"`
	Got    string  `json:"got"`
	Hint   string  `json:"hint,omitempty"` // set when the check failed
	Seen   string  `json:"seen,omitempty"` // what the failed check's reading was noted to be
	// Skipped says that the run ended before the check's reading was taken.
	Skipped bool `json:"skipped,omitempty"`
}

// missing says which reading the check lacks, if any.
func (c Check) missing(before, after *Readings) string {
	switch {
	case !after.number(c.Reading):
		return fmt.Sprintf("takes no reading (or one that is no number) named %q, which its check %q is about", c.Reading, c.ID)
	case c.ratio && !before.number(c.Reading):
		return fmt.Sprintf("takes no reading (or one that is no number) named %q before the fix, which its check %q compares with", c.Reading, c.ID)
	}
	return ""
}

func (c Check) judge(before, after *Readings) Outcome {
	ok, got := c.holds(before, after)
	o := Outcome{ID: c.ID, OK: ok, Says: c.Says, Got: got}
	if held, _ := c.holds(before, before); !held && c.missing(before, before) == "" {
		o.Weight = c.weight
	}
	if !ok {
		o.Hint, o.Seen = c.hint, after.note(c.Reading)
	}
	return o
}

// Number writes a value as people do: 1,000,000 and 0.25; below 1, with two
// digits that count, so that what is not 0 is not shown as 0.
func Number(v float64) string {
	prec := 2
	switch abs := math.Abs(v); {
	case math.IsNaN(v), math.IsInf(v, 0):
		return fmt.Sprint(v)
	case v == math.Trunc(v):
		prec = 0
	case abs < 1:
		prec = 1 - int(math.Floor(math.Log10(abs)))
	}
	s := strconv.FormatFloat(v, 'f', prec, 64)
	whole, frac, _ := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if frac = strings.TrimRight(frac, "0"); frac != "" {
		whole += "." + frac
	}
	if whole == "0" {
		sign = ""
	}
	return sign + whole
}
