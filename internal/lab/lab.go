// Package lab says what a lab is and how a run of one goes. It knows nothing
// of containers, of go test or of any server: a lab is a value whose funcs
// close over the servers they use, and everything here can be tested with a
// fake rig.
package lab

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Level is how hard a lab is.
type Level string

// The three levels.
const (
	Easy   Level = "easy"
	Medium Level = "medium"
	Hard   Level = "hard"
)

// Lab is one failure to fix.
type Lab struct {
	Name    string // folder under labs/: "mysql/slow-query"
	Title   string // what the pager says, without the cause
	Level   Level
	Minutes int      // what the fix takes somebody who knows the engine a little
	Engines []string // the servers it needs: "mysql", "redis", "kafka", "clickhouse"
	Memory  int      // MiB that its servers need together
	Disk    int      // MiB of free disk that its servers and its snapshot need
	Notes   []Source // the lines of the notes it comes from
	Fix     Kind     // what the learner writes
	Checks  []Check
	// New makes the closures of one run. Nothing is shared between two runs.
	New func(Env) Run
}

// Source points at the lines of the notes a lab comes from.
type Source struct {
	File        string
	First, Last int
}

// Kind is what a variant consists of: scripts with given names, or a Go program.
type Kind struct {
	Files   []string // exact file names, each required
	Program bool     // a main package instead; Files is empty
}

// Scripts is a fix made of the named files.
func Scripts(files ...string) Kind { return Kind{Files: files} }

// Program is a fix that is a Go main package, run as a process of its own.
func Program() Kind { return Kind{Program: true} }

// Wants says whether a file belongs to a variant of this kind.
func (k Kind) Wants(file string) bool {
	if k.Program {
		return strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go")
	}
	return slices.Contains(k.Files, file)
}

func (k Kind) String() string {
	if k.Program {
		return "the .go files of one main package"
	}
	return strings.Join(k.Files, ", ")
}

// Env is what a run is given.
type Env struct {
	Lab     string // name of the lab
	Dir     string // the lab's folder
	ID      string // unique to this run; part of every container's name
	Scratch string // folder for binaries, logs and sockets, removed after the run
	Seed    uint64 // whatever a learner could hard-code derives from it
	Fresh   bool   // seed again even where a snapshot exists
	Memory  int    // MiB that the lab's servers need together; set by the engine
	Disk    int    // MiB of free disk that they need; set by the engine
	// After is the run whose place this one takes, as when a playground is reset:
	// clients find the servers where they were, and it needs no turn. Nil: none.
	After *Predecessor
	// Log shows what is going on inside a phase: a command that can be pasted,
	// a state that is waited for. Never nil.
	Log func(format string, args ...any)
	// Sample adds a point to the series of that name, at this moment of the run:
	// what the report draws over time. Ten a second are enough. Never nil; a
	// playground drops them.
	Sample func(name, unit string, value float64)
}

// Predecessor is a run that may still be going when another takes its place.
type Predecessor struct {
	Ports map[string]map[int]int          // its host ports, by server and container port
	Gone  func(ctx context.Context) error // waits until they are free
}

// Run is one run of a lab. Only Rig and Measure are required.
//
// The engine calls, in this order:
//
//	Rig.Admit, if it is an Admitter
//	Rig.Start → Seed → Fingerprint → Rig.Save   (the last three only without a snapshot)
//	Break → Settle → Measure(start)             the readings "before"
//	Apply(fix) → Settle → Measure(fix) → Hold → Integrity   the readings "after"
//	Rig.Stop
//
// Apply is run while Load goes on; so is everything between Break and Integrity.
type Run struct {
	Rig Rig
	// Seed fills the servers. Paid once: the result is kept as a snapshot.
	Seed func(ctx context.Context) error
	// Fingerprint says what the seed left, by name (rows, digests). It is kept
	// with the snapshot and given back to every later run.
	Fingerprint func(ctx context.Context) (Fingerprint, error)
	// Break does what a snapshot can't hold: configuration, other sessions.
	Break func(ctx context.Context) error
	// Load is the traffic of the service, from Break on. It runs in its own
	// goroutine until ctx ends and must return then. An error ends the run: it
	// is ours (invalid) unless it is a Fault. What it returns after ctx ended
	// counts only if it is a Fault: a driver's complaint at being cut off is none.
	// A playground stops it to count what is there, and then calls it again: it
	// goes on where it was.
	Load func(ctx context.Context) error
	// Play is what Load is, in labs whose fix is a program, and in a playground
	// only: it starts v as the service, until ctx ends, and returns its traffic,
	// which ends with ctx as Load does. It may be called again and again, on what
	// is there by then.
	Play func(ctx context.Context, v Variant) (traffic func(context.Context) error, err error)
	// Settle waits for a fact on the server: replica caught up, group stable.
	Settle func(ctx context.Context) error
	// Measure takes readings. v is start/ before the fix and the fix after it:
	// program labs run v, script labs read what v says is theirs to read.
	Measure func(ctx context.Context, v Variant, r *Readings) error
	// Apply puts a script fix onto the servers. Program labs have none.
	Apply func(ctx context.Context, v Variant) error
	// Hold goes on under load after the fix where a relapse is possible.
	Hold func(ctx context.Context, v Variant, r *Readings) error
	// Integrity compares what is on the servers with what must be there.
	Integrity func(ctx context.Context, want Fingerprint, r *Readings) error
	// Limits are deadlines of phases that need another than the default.
	Limits map[Phase]time.Duration
}

// Rig is the running servers of one lab. Package rig makes them of containers.
type Rig interface {
	// Start brings all servers up, from the snapshot if there is one; then
	// seeded is true and the fingerprint is the snapshot's.
	Start(ctx context.Context) (fp Fingerprint, seeded bool, err error)
	// Save keeps the present state as the snapshot and starts again from it.
	Save(ctx context.Context, fp Fingerprint) error
	// Servers says what runs, for the report.
	Servers() []Server
	// Evidence writes logs and states of the servers into dir. It must work
	// after a Start that failed.
	Evidence(ctx context.Context, dir string) error
	// Stop removes everything. It must work after a Start that failed, and
	// while one that ignores its context still goes on.
	Stop(ctx context.Context) error
}

// Admitter is a rig that shares its machine with others. Admit is called before
// Start and returns when the machine has what the lab needs and it is the
// lab's turn, which may take as long as the labs before it.
type Admitter interface {
	Admit(ctx context.Context) error
}

// Witness is a rig that knows what befell its servers from outside: that the
// engine has ended, that somebody stopped one. Outage is an *Invalid then. It is
// called at any time while the run goes on.
type Witness interface {
	Outage(ctx context.Context) error
}

// Server is a server of a rig as the report names it.
type Server struct {
	Name    string `json:"name"`
	Engine  string `json:"engine"`
	Version string `json:"version"`
	Image   string `json:"image"`
	Origin  string `json:"origin"` // "official" or "local"
}

// Fingerprint is what a seed left: "orders.rows" → "1000000".
type Fingerprint map[string]string

// Variant is a folder with one candidate answer.
type Variant struct {
	Name  string            // "start", "fix", "solution", "also/x", "wrong/y"
	Dir   string            // its folder
	Files map[string]string // its files, by name
	// Sandbox is the run that its program is confined for: it is strange, and runs
	// in a container of its own. Empty: it runs as whoever runs the lab.
	Sandbox string
	// Command is a program lab's command line, run in Dir instead of a Go
	// program that is built from Files. Empty: build.
	Command []string
}

// Fault is an error that is the learner's: the verdict is fail, on Check.
type Fault struct {
	Check string
	Err   error
}

func (f *Fault) Error() string { return f.Err.Error() }
func (f *Fault) Unwrap() error { return f.Err }

// Blame makes err the learner's: the check named id fails with its text.
func Blame(id string, err error) error {
	if err == nil {
		return nil
	}
	return &Fault{Check: id, Err: err}
}

// Invalid is an error that explains itself in one sentence to whoever runs
// the lab: what is missing on this machine, and what to do.
type Invalid struct{ Reason string }

func (e *Invalid) Error() string { return e.Reason }

// Invalidf makes an Invalid.
func Invalidf(format string, args ...any) error {
	return &Invalid{Reason: fmt.Sprintf(format, args...)}
}

var nameRE = regexp.MustCompile(`^(mysql|redis|kafka|clickhouse)/[a-z0-9]+(-[a-z0-9]+)*$`)

// Validate names each field that is wrong.
func (l *Lab) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("lab %s: %s %s", l.Name, field, fmt.Sprintf(format, args...)))
	}
	if !nameRE.MatchString(l.Name) {
		bad("Name", "%q is not <engine>/<words-with-dashes>", l.Name)
	}
	if l.Title == "" {
		bad("Title", "is empty")
	}
	if !slices.Contains([]Level{Easy, Medium, Hard}, l.Level) {
		bad("Level", "%q is none of easy, medium, hard", l.Level)
	}
	if l.Minutes <= 0 {
		bad("Minutes", "must be above 0")
	}
	if engine, _, _ := strings.Cut(l.Name, "/"); !slices.Contains(l.Engines, engine) {
		bad("Engines", "%q lacks %q, whose lab it is", l.Engines, engine)
	}
	if l.Memory <= 0 {
		bad("Memory", "must be above 0 MiB")
	}
	if l.Disk <= 0 {
		bad("Disk", "must be above 0 MiB")
	}
	if len(l.Notes) == 0 {
		bad("Notes", "is empty")
	}
	if l.Fix.Program == (len(l.Fix.Files) > 0) {
		bad("Fix", "is neither Scripts(…) nor Program()")
	}
	if l.New == nil {
		bad("New", "is nil")
	}
	seen := map[string]bool{ApplyCheck: true}
	symptoms := 0
	for i, c := range l.Checks {
		switch {
		case c.ID == "" || c.Reading == "" || c.holds == nil:
			bad("Checks", "[%d] is not made by AtMost, AtLeast, Equal or Better", i)
		case seen[c.ID]:
			bad("Checks", "[%d] repeats the id %q; give it another with Named", i, c.ID)
		}
		seen[c.ID] = true
		if c.weight <= 0 || math.IsInf(c.weight, 0) || math.IsNaN(c.weight) {
			bad("Checks", "[%d] %q has the weight %v: it must be above 0", i, c.ID, c.weight)
		}
		switch {
		case c.symptom && c.ratio:
			bad("Checks", "[%d] %q is a Better: it can't be a Symptom, nothing is smaller than itself", i, c.ID)
		case c.symptom:
			symptoms++
		}
	}
	if symptoms == 0 {
		bad("Checks", "has no Symptom: nothing shows that the failure was there")
	}
	return errors.Join(errs...)
}
