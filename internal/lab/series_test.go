package lab_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"faultlab/internal/lab"
)

// What is sampled in a phase lies between that phase's beginning and its end.
func TestSeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		sample := func(v float64) func(context.Context) error {
			return func(context.Context) error {
				time.Sleep(time.Second)
				f.env.Sample("lag", "records", v)
				f.env.Sample("lag", "records", math.NaN()) // dropped
				time.Sleep(time.Second)
				return nil
			}
		}
		f.does["measure"], f.does["apply"] = sample(7), sample(3)
		f.does["remeasure"] = func(context.Context) error { f.env.Sample("memory", "MiB", 1); return nil }
		res := f.run(t, t.Context(), lab.Options{})
		if len(res.Series) != 2 || res.Series[0].Name != "lag" || res.Series[0].Unit != "records" || res.Series[1].Name != "memory" {
			t.Fatalf("series %+v", res.Series)
		}
		points := res.Series[0].Points
		if len(points) != 2 || points[0].Value != 7 || points[1].Value != 3 {
			t.Fatalf("points %+v", points)
		}
		for i, p := range []lab.Phase{lab.Measure, lab.Apply} {
			for _, took := range res.Phases {
				if took.Phase == p && points[i].At != took.At+time.Second {
					t.Errorf("%s began at %s, its sample is at %s", p, took.At, points[i].At)
				}
			}
		}
		if m := res.Machine; m.Cores < 1 || m.OS == "" || m.Arch == "" {
			t.Errorf("machine %+v", m)
		}
		f.env.Sample("lag", "records", 9) // from what was left behind
		if len(res.Series[0].Points) != 2 {
			t.Error("a result changed after the run")
		}
	})
}

// A series that never ends does not fill the memory.
func TestSeriesIsBounded(t *testing.T) {
	f := newFake()
	f.does["measure"] = func(context.Context) error {
		for range 100_000 {
			f.env.Sample("lag", "records", 1)
		}
		return nil
	}
	if n := len(f.run(t, t.Context(), lab.Options{}).Series[0].Points); n != 18_000 {
		t.Errorf("%d points", n)
	}
}

func TestPlaygroundKeepsNoSeries(t *testing.T) {
	f := newFake()
	f.does["measure"] = func(context.Context) error { f.env.Sample("lag", "records", 1); return nil }
	v, err := f.lab().Up(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Down(t.Context())
	if err := v.Baseline(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	if res := v.Check(t.Context(), fixed); len(res.Series) != 0 {
		t.Errorf("series %+v", res.Series)
	}
}
