package lab_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

var (
	start = lab.Variant{Name: "start"}
	fixed = lab.Variant{Name: "fix"}
)

func TestUpLeavesTheBrokenState(t *testing.T) {
	f := newFake()
	v, err := f.lab().Up(t.Context(), lab.Options{})
	if err != nil || v.Rig() != f || f.times("break") != 1 || f.times("settle")+f.times("measure")+f.times("stop") != 0 {
		t.Fatalf("up: %v, %v", err, f.called)
	}
	if has, lost := v.Traffic(); !has || lost != nil {
		t.Errorf("traffic: %v, %v", has, lost)
	}
	if err := v.Down(t.Context()); err != nil || f.times("stop") != 1 {
		t.Errorf("down: %v, %v", err, f.called)
	}
}

func TestUpThatFailsLeavesNothing(t *testing.T) {
	for _, step := range []string{"start", "break"} {
		f := newFake()
		f.does[step] = func(context.Context) error { return errors.New("oh no") }
		if _, err := f.lab().Up(t.Context(), lab.Options{}); err == nil || f.times("stop") != 1 {
			t.Errorf("%s: %v, %v", step, err, f.called)
		}
	}
}

func TestLiveCheck(t *testing.T) {
	f := newFake()
	v, err := f.lab().Up(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Down(t.Context())
	if res := v.Check(t.Context(), fixed); res.Verdict != lab.InvalidRun {
		t.Errorf("without a baseline: %s", res.Verdict)
	}
	if err := v.Baseline(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	// Twice, since the learner goes on; what nobody measured is skipped.
	for range 2 {
		if res := v.Check(t.Context(), fixed); res.Verdict != lab.Pass {
			t.Errorf("%s: %s %+v", res.Verdict, res.Reason, res.Checks)
		}
	}
	f.after = []lab.Reading{{Name: "rows", Value: 1000}}
	res := v.Check(t.Context(), fixed)
	if res.Verdict != lab.Fail || strings.Join(res.Failed(), " ") != "rows rows-ratio" {
		t.Errorf("%s: %+v", res.Verdict, res.Checks)
	}
	if has, lost := v.Traffic(); !has || lost != nil || f.times("load") < 3 {
		t.Errorf("traffic does not go on: %v, %v", lost, f.called)
	}
}

func TestLiveSaysThatTrafficEnded(t *testing.T) {
	f := newFake()
	f.does["load"] = func(context.Context) error { return errors.New("server gone") }
	v, err := f.lab().Up(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Down(t.Context())
	err = measure.Until(t.Context(), "the traffic has ended", func(context.Context) (string, bool, error) {
		_, lost := v.Traffic()
		return "it goes on", lost != nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Baseline(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	res := v.Check(t.Context(), fixed)
	if res.Verdict != lab.InvalidRun || !strings.Contains(res.Reason, "server gone") {
		t.Errorf("%s: %s", res.Verdict, res.Reason)
	}
}

func TestBaselineWaitsForTheFailure(t *testing.T) {
	f := newFake()
	v, err := f.lab().Up(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Down(t.Context())
	f.does["settle"] = func(context.Context) error {
		if f.times("measure") != 0 {
			t.Error("it was measured before it had settled")
		}
		return errors.New("never comes")
	}
	if err := v.Baseline(t.Context(), start); err == nil || f.times("measure") != 0 {
		t.Errorf("a state that did not settle was measured: %v, %v", err, f.called)
	}
}

func TestBaselineWantsTheFailure(t *testing.T) {
	f := newFake()
	f.before = []lab.Reading{{Name: "rows", Value: 1}}
	v, err := f.lab().Up(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Down(t.Context())
	if err := v.Baseline(t.Context(), start); err == nil {
		t.Error("a state without the symptom is taken for the broken one")
	}
}
