package grade

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"faultlab/internal/lab"
	"faultlab/internal/report"
)

// Ready makes the folder for results and sees to it that it can be written to, before
// anything is run. What an earlier grading left there goes.
func Ready(out string) error {
	entries, err := os.ReadDir(out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--out: %w", err)
	}
	if len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(out, "results.json")); err != nil {
			return fmt.Errorf("--out: %s is not empty, and not of an earlier grading: name another folder", out)
		}
		for _, name := range []string{"submissions", "junit.xml", "summary.md"} {
			if err := os.RemoveAll(filepath.Join(out, name)); err != nil {
				return fmt.Errorf("--out: %w", err)
			}
		}
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	// Until this grading begins, the folder has results that say that there are none.
	if err := results(out, report.NewGrading()); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return nil
}

// results writes results.json.
func results(out string, g *report.Grading) error {
	return create(filepath.Join(out, "results.json"), g.JSON)
}

// Write writes the results in all formats.
func Write(out string, g *report.Grading) error {
	if err := results(out, g); err != nil {
		return err
	}
	for name, do := range map[string]func(io.Writer) error{
		"junit.xml":  g.JUnit,
		"summary.md": g.Summary,
	} {
		if err := create(filepath.Join(out, name), do); err != nil {
			return err
		}
	}
	for _, name := range g.Submissions() {
		if err := course(filepath.Join(out, "submissions", name), g.Of(name)); err != nil {
			return err
		}
	}
	return nil
}

// course writes what course systems read of one submission.
func course(dir string, list []report.Graded) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := create(filepath.Join(dir, "prairielearn.json"), func(f io.Writer) error { return report.PrairieLearn(f, list) }); err != nil {
		return err
	}
	ok := false
	at := filepath.Join(dir, "gradescope.json")
	err := create(at, func(f io.Writer) (err error) {
		ok, err = report.Gradescope(f, list)
		return err
	})
	if err == nil && !ok {
		err = os.Remove(at)
	}
	if err != nil {
		return err
	}
	for _, x := range list {
		at := filepath.Join(dir, filepath.FromSlash(x.Lab))
		if err := os.MkdirAll(at, 0o755); err != nil {
			return err
		}
		if err := create(filepath.Join(at, "exercism.json"), func(f io.Writer) error { return report.Exercism(f, x) }); err != nil {
			return err
		}
	}
	return nil
}

// Read reads the results in a folder.
func Read(file string) (*report.Grading, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("open results: %w", err)
	}
	defer f.Close()
	g, err := report.ReadGrading(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, x := range g.Graded { // folders are called so
		if x.Submission != folder(x.Submission) || !nameRE.MatchString(x.Lab) {
			return nil, fmt.Errorf("%s: %q and %q are no names of a submission and a lab", file, x.Submission, x.Lab)
		}
	}
	return g, nil
}

var nameRE = regexp.MustCompile(`^[a-z0-9]+/[a-z0-9-]+$`)

// Replay plans the attempts of an earlier grading again, with the fixes that it kept,
// and checks that they are still what was judged.
func Replay(file string, g *report.Grading, labs []*lab.Lab) ([]Attempt, error) {
	var plan []Attempt
	for _, x := range g.Graded {
		if x.Run == nil {
			continue // there was nothing to run
		}
		i := indexOf(labs, x.Lab)
		if i < 0 {
			return nil, fmt.Errorf("%s: there is no lab %s here", file, x.Lab)
		}
		dir := filepath.Join(filepath.Dir(file), "submissions", folder(x.Submission), filepath.FromSlash(x.Lab), "fix")
		one, err := Plan([]string{dir}, labs[i:i+1])
		if err != nil {
			return nil, err
		}
		a := one[0]
		if a.err != nil {
			return nil, fmt.Errorf("%s: %w", dir, a.err)
		}
		if got := a.fix.Digest(); got != x.Fix.Digest {
			return nil, fmt.Errorf("%s is not what was graded: its digest is %s, and was %s", dir, got, x.Fix.Digest)
		}
		a.Submission, a.ignored = x.Submission, x.Fix.Ignored
		plan = append(plan, a)
	}
	if len(plan) == 0 {
		return nil, fmt.Errorf("%s: nothing was run", file)
	}
	return plan, nil
}

func indexOf(labs []*lab.Lab, name string) int {
	return slices.IndexFunc(labs, func(l *lab.Lab) bool { return l.Name == name })
}

// Compare lists what came out otherwise the second time. It looks at verdicts, at
// scores and at which checks failed; readings may differ within their checks.
func Compare(was, is *report.Grading) (differences []string) {
	for _, x := range is.Graded {
		for _, y := range was.Graded {
			if x.Attempt != y.Attempt {
				continue
			}
			if was, is := outcome(y), outcome(x); was != is {
				differences = append(differences, fmt.Sprintf("%s %s: was %s, is %s", x.Submission, x.Lab, was, is))
			}
			if x.LabDigest != y.LabDigest {
				differences = append(differences, fmt.Sprintf("%s %s: the lab itself is another by now", x.Submission, x.Lab))
			}
		}
	}
	return differences
}

func outcome(x report.Graded) string {
	text := string(x.Verdict)
	if x.Score != nil {
		text += " " + lab.Number(*x.Score)
	}
	if x.Run != nil && len(x.Run.Failed) > 0 {
		text += fmt.Sprint(" ", x.Run.Failed)
	}
	return text
}
