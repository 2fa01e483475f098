package lab

import (
	"errors"
	"slices"
)

// reproduced wants every symptom to be there before the fix.
func (r *runner) reproduced() error {
	for _, c := range r.lab.Checks {
		if !c.symptom {
			continue
		}
		if text := c.missing(&r.before, &r.before); text != "" {
			return Invalidf("lab %s %s", r.lab.Name, text)
		}
		if o := c.judge(&r.before, &r.before); o.OK {
			return Invalidf("the failure did not reproduce here: %s already holds before the fix (%s)", o.Says, o.Got)
		}
	}
	return nil
}

// theirs blames an error of a phase after the fix on the learner, where it is
// theirs. While the fix is applied that is every error; later, only time that
// ran out: what came to its end on the broken state is kept from it by the fix.
func theirs(p Phase, err error) error {
	var f *Fault
	if err == nil || isOurs(err) || errors.As(err, &f) {
		return err
	}
	if p == Apply || errors.Is(err, errLimit) {
		return Blame(ApplyCheck, err)
	}
	return err
}

// notTheirs takes the blame out of an error from before the fix: only start/
// has run then.
func notTheirs(err error) error {
	if err == nil {
		return nil
	}
	return ours{err}
}

func isOurs(err error) bool {
	var o ours
	var inv *Invalid
	return errors.As(err, &o) || errors.As(err, &inv)
}

// judge turns what the run came to into checks and one verdict.
func (r *runner) judge(err error) {
	res := r.res
	var f *Fault
	if err != nil && (isOurs(err) || !errors.As(err, &f)) {
		res.Verdict, res.Reason = InvalidRun, err.Error()
		var inv *Invalid
		if errors.As(err, &inv) { // it explains itself
			res.Reason = inv.Error()
		}
		return
	}
	applies := Outcome{ID: ApplyCheck, OK: true, Says: "the fix applies without an error, in time", Got: "yes"}
	if f != nil {
		res.Reason = f.Error()
		if f.Check == ApplyCheck || !r.has(f.Check) {
			applies.OK, applies.Got, applies.Hint = false, "no", f.Error()
		}
	}
	var checks []Outcome
	seen := map[string]bool{}
	if !r.live || !applies.OK { // in a playground nobody need have applied one
		checks = append(checks, applies)
	}
	for _, c := range r.lab.Checks {
		o := c.judge(res.Before, res.After)
		missing := c.missing(res.Before, res.After)
		switch {
		case f != nil && f.Check == c.ID:
			o.OK, o.Got, o.Hint = false, "error", f.Error()
		case (f != nil || r.live) && missing != "":
			// The run ended before this was measured, or measures it while the
			// fix is applied, which nobody did here; it says nothing.
			o.Skipped, o.OK, o.Hint, o.Seen = true, false, "", ""
		case missing != "":
			res.Verdict, res.Reason = InvalidRun, "lab "+res.Lab+" "+missing
			return
		}
		if seen[o.Seen] {
			o.Seen = "" // once is enough
		}
		seen[o.Seen] = true
		checks = append(checks, o)
	}
	res.Checks, res.Verdict = checks, Pass
	if f != nil || len(res.Failed()) > 0 {
		res.Verdict = Fail
	}
}

func (r *runner) has(id string) bool {
	return slices.ContainsFunc(r.lab.Checks, func(c Check) bool { return c.ID == id })
}
