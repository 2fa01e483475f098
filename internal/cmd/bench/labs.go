package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/trial"
)

// ours are the phases of a run that are no work of its servers.
var ours = []lab.Phase{lab.Open, lab.Admit, lab.Evidence, lab.Stop}

// lab compares a whole run of the reference solution with what its servers
// were busy with: their start, the traffic, the measuring and the fix. Both
// are from the same run, so one is enough.
func (b *bench) lab(ctx context.Context, root string, l *lab.Lab) error {
	r, ok := b.row(fullRun, l.Name, l.Name, 0)
	if !ok {
		return nil
	}
	for range 2 { // the first one may have to make the snapshot
		began := time.Now()
		res, err := trial.Run(ctx, root, l, trial.Options{Variant: "solution"})
		took := time.Since(began)
		if err != nil {
			return err
		}
		if res.Verdict != lab.Pass {
			return fmt.Errorf("the solution's verdict is %s: %s %v", res.Verdict, res.Reason, res.Failed())
		}
		var work time.Duration
		warm := true
		for _, p := range res.Phases {
			warm = warm && p.Phase != lab.Seed
			if !slices.Contains(ours, p.Phase) {
				work += p.Elapsed
			}
		}
		if warm {
			r.add(took, work)
			return nil
		}
		log("%s, %s: made its snapshot", r.section, r.subject)
	}
	return errors.New("it was seeded twice: its snapshot did not stay")
}
