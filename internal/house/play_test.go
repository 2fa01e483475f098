package house

import (
	"testing"

	"faultlab/internal/lab"
	"faultlab/labs"
)

// In a playground something goes on, also where the fix is a program.
func TestPlay(t *testing.T) {
	for _, l := range labs.All {
		run := l.New(lab.Env{Lab: l.Name, Log: t.Logf, Sample: func(string, string, float64) {}})
		if l.Fix.Program && run.Play == nil && run.Load == nil {
			t.Errorf("%s has neither Play nor Load: its playground stands still", l.Name)
		}
		if !l.Fix.Program && run.Play != nil {
			t.Errorf("%s has Play, which is for programs", l.Name)
		}
	}
}
