package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/trial"
	"faultlab/labs"
)

// course is a lab that is quick, and how many submissions of it there are.
const course, students = "mysql/oversell", 50

// grading compares lab grade with lab run on the same fixes, one after another.
// Each has data of a new seed, which its first run makes.
func (b *bench) grading(ctx context.Context, root string) (err error) {
	all, graded := b.row(gradings, "all", fmt.Sprintf("the solutions of all %d labs", len(labs.All)), 0)
	many, taught := b.row(gradings, "course", fmt.Sprintf("%d submissions of %s, each of its own", students, course), 0)
	if !graded && !taught {
		return nil
	}
	dir, err := os.MkdirTemp("", "faultlab-bench-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if graded {
		var runs [][]string
		one := filepath.Join(dir, "all")
		for _, l := range labs.All {
			if err := handIn(root, l, one, ""); err != nil {
				return err
			}
			runs = append(runs, []string{l.Name, "--fix", one})
		}
		if err := b.grade(ctx, root, all, []string{"--all", "--fix", one, "--out", filepath.Join(dir, "out")}, runs); err != nil {
			return err
		}
	}
	if !taught {
		return nil
	}
	var runs [][]string
	for _, l := range labs.All {
		for i := 0; i < students && l.Name == course; i++ {
			of := filepath.Join(dir, "course", fmt.Sprintf("student-%02d", i))
			if err := handIn(root, l, of, fmt.Sprintf("\n// by student %d\n", i)); err != nil {
				return err
			}
			runs = append(runs, []string{l.Name, "--fix", of})
		}
	}
	return b.grade(ctx, root, many, []string{course, "--fix", filepath.Join(dir, "course", "*"), "--out", filepath.Join(dir, "out-course")}, runs)
}

// handIn makes a submission of a lab's solution, with something of its own.
func handIn(root string, l *lab.Lab, dir, own string) error {
	v, err := fix.Read(trial.Dir(root, l.Name), "solution", l.Fix)
	if err != nil {
		return err
	}
	files := map[string]string{}
	for name, text := range v.Files {
		files[name] = text + own
	}
	return fix.Write(filepath.Join(dir, "labs", filepath.FromSlash(l.Name), "fix"), files)
}

// grade times one grading, and all the runs.
func (b *bench) grade(ctx context.Context, root string, into *row, grading []string, runs [][]string) error {
	began := time.Now()
	if err := command(ctx, root, append([]string{"grade", newSeed()}, grading...)...); err != nil {
		return err
	}
	ours, seed := time.Since(began), newSeed()
	began = time.Now()
	for _, r := range runs {
		if err := command(ctx, root, append([]string{"run", seed}, r...)...); err != nil {
			return err
		}
	}
	into.add(ours, time.Since(began))
	return nil
}

func newSeed() string { return fmt.Sprintf("--seed=%d", rand.Uint32()) }

// command runs bin/lab.
func command(ctx context.Context, root string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(root, "bin", "lab"), args...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("lab %v: %w\n%s", args, err, out)
	}
	return nil
}
