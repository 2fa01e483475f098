package main

import (
	"context"
	"errors"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/rig"
	"faultlab/internal/trial"
)

// playground compares lab up and lab reset, each until the client of lab
// shell was connected, with the bare server from the same snapshot: its start,
// and its removal and start. Labs of several servers have no such one start.
func (b *bench) playground(ctx context.Context, root string, l *lab.Lab) (err error) {
	if len(labRig(l, "").Nodes()) > 1 {
		return nil
	}
	ups, up := b.row(playing, l.Name+"/up", "lab up "+l.Name, 0)
	resets, reset := b.row(playing, l.Name+"/reset", "lab reset "+l.Name, 0)
	if !up && !reset {
		return nil
	}
	answered := func(args ...string) (time.Duration, error) {
		began := time.Now()
		err := command(ctx, root, args...)
		if err == nil {
			err = command(ctx, root, "shell", l.Name) // without input it connects and leaves
		}
		return time.Since(began), err
	}
	down := func() error { return command(ctx, root, "down", l.Name) }
	if err := command(ctx, root, "up", l.Name); err != nil { // makes the snapshot, if there is none
		return err
	}
	defer func() { err = errors.Join(err, down()) }()
	for range b.rounds {
		again, err := answered("reset", l.Name)
		if err == nil {
			err = down()
		}
		if err != nil {
			return err
		}
		start, removal, err := b.bare(ctx, root, l)
		if err != nil {
			return err
		}
		took, err := answered("up", l.Name)
		if err != nil {
			return err
		}
		resets.add(again, removal+start)
		ups.add(took, start)
	}
	return nil
}

// labRig is the rig of a lab of our own making.
func labRig(l *lab.Lab, dir string) *rig.Rig {
	run := l.New(lab.Env{Lab: l.Name, Dir: dir, Seed: trial.Seed, Log: log, Sample: func(string, string, float64) {}})
	return run.Rig.(*rig.Rig)
}

// bare starts the only server of a lab from the lab's snapshot, by hand, and
// removes it.
func (b *bench) bare(ctx context.Context, root string, l *lab.Lab) (start, removal time.Duration, err error) {
	r := labRig(l, trial.Dir(root, l.Name))
	_, seeded, err := r.Start(ctx)
	if err == nil && !seeded {
		err = errors.New("its snapshot did not stay")
	}
	var t *twin
	if err == nil {
		t, err = b.twin(ctx, r, r.Nodes()[0])
	}
	down(ctx, r)
	if err != nil {
		return 0, 0, err
	}
	return t.start(ctx)
}
