package grade

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"faultlab/internal/report"
)

// recorded is what a run of each lab's solution took, in seconds: make costs writes
// it. It is part of the command, so that all shards split alike.
//
//go:embed costs.json
var recorded []byte

// Costs is the recorded cost of labs, by name.
func Costs() (map[string]float64, error) {
	var costs map[string]float64
	if err := json.Unmarshal(recorded, &costs); err != nil {
		return nil, fmt.Errorf("read recorded costs: %w", err)
	}
	return costs, nil
}

// Record writes what the labs of a grading took, in the form of costs.json.
func Record(file string, g *report.Grading) error {
	costs := map[string]float64{}
	for _, x := range g.Graded {
		if took := x.Took(); took > 0 {
			costs[x.Lab] = math.Round(took*10) / 10
		}
	}
	text, err := json.MarshalIndent(costs, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// ParseShard reads "2/3".
func ParseShard(text string) (*report.Shard, error) {
	var s report.Shard
	if n, err := fmt.Sscanf(text, "%d/%d", &s.Index, &s.Of); err != nil || n != 2 || text != fmt.Sprintf("%d/%d", s.Index, s.Of) || s.Index < 1 || s.Index > s.Of {
		return nil, fmt.Errorf("--shard %q is not like 2/3: the second of three", text)
	}
	return &s, nil
}

// Split is a shard's part of the plan: the attempt that costs most goes to the shard
// that has least. A lab of unknown cost counts like the others' mean.
func Split(plan []Attempt, s report.Shard, costs map[string]float64) []Attempt {
	mean := 0.0
	for _, c := range costs {
		mean += c / float64(len(costs))
	}
	if mean == 0 {
		mean = 1
	}
	cost := func(a Attempt) float64 {
		if c, ok := costs[a.Lab.Name]; ok {
			return c
		}
		return mean
	}
	order := make([]int, len(plan))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(cost(plan[j]), cost(plan[i])) })
	loads, mine := make([]float64, s.Of), []int{}
	for _, i := range order {
		least := slices.Index(loads, slices.Min(loads))
		loads[least] += cost(plan[i])
		if least == s.Index-1 {
			mine = append(mine, i)
		}
	}
	slices.Sort(mine)
	part := []Attempt{}
	for _, i := range mine {
		part = append(part, plan[i])
	}
	return part
}

// Merge puts the results in folders together, in out: shards of one grading, or
// gradings of different attempts. A shard that is missing is an error, and so is an
// attempt that comes twice; one that is missing in its shard is told by Missing.
func Merge(out string, dirs []string) (*report.Grading, error) {
	var parts []*report.Grading
	for _, dir := range dirs {
		g, err := Read(filepath.Join(dir, "results.json"))
		if err != nil {
			return nil, err
		}
		parts = append(parts, g)
	}
	all := report.NewGrading()
	*all = *parts[0]
	all.Shard, all.Planned, all.Graded, all.Seconds = nil, []report.Attempt{}, []report.Graded{}, 0
	if err := complete(parts, dirs); err != nil {
		return nil, err
	}
	from := map[report.Attempt]string{}
	for i, g := range parts {
		if g.Faultlab != all.Faultlab {
			return nil, fmt.Errorf("%s was graded by another faultlab than %s", dirs[i], dirs[0])
		}
		for _, p := range g.Planned {
			if !slices.Contains(all.Planned, p) {
				all.Planned = append(all.Planned, p)
			}
		}
		for _, x := range g.Graded {
			if first, twice := from[x.Attempt]; twice {
				return nil, fmt.Errorf("%s and %s both have %s of %s: merge each once", first, dirs[i], x.Lab, x.Submission)
			}
			from[x.Attempt] = dirs[i]
			all.Graded = append(all.Graded, x)
		}
		all.Seconds += g.Seconds
		if g.Started.Before(all.Started) {
			all.Started = g.Started
		}
	}
	slices.SortStableFunc(all.Graded, func(a, b report.Graded) int {
		return slices.Index(all.Planned, a.Attempt) - slices.Index(all.Planned, b.Attempt)
	})
	if err := Ready(out); err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		err := os.CopyFS(filepath.Join(out, "submissions"), without(filepath.Join(dir, "submissions")))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("merge: %w", err)
		}
	}
	return all, Write(out, all)
}

// complete wants every shard of one grading, once, or no shard at all.
func complete(parts []*report.Grading, dirs []string) error {
	first := parts[0].Shard
	seen := map[int]string{}
	for i, g := range parts {
		switch {
		case len(g.Planned) == 0:
			return fmt.Errorf("%s: its grading had not begun when it ended", dirs[i])
		case (g.Shard == nil) != (first == nil), first != nil && (g.Shard.Of != first.Of || !slices.Equal(g.Planned, parts[0].Planned)):
			return fmt.Errorf("%s and %s are not of the same grading", dirs[0], dirs[i])
		case first == nil:
			continue
		case seen[g.Shard.Index] != "":
			return fmt.Errorf("%s and %s are both shard %d of %d", seen[g.Shard.Index], dirs[i], g.Shard.Index, first.Of)
		}
		seen[g.Shard.Index] = dirs[i]
	}
	if first == nil {
		return nil
	}
	var missing []string
	for i := 1; i <= first.Of; i++ {
		if seen[i] == "" {
			missing = append(missing, fmt.Sprintf("%d/%d", i, first.Of))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("a part of the grading is missing: shard %s", strings.Join(missing, ", "))
	}
	return nil
}

// without is a folder of submissions, but for what is written anew of the whole.
func without(dir string) fs.FS { return partly{os.DirFS(dir)} }

type partly struct{ fs.FS }

func (p partly) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(p.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return !e.IsDir() && slices.Contains([]string{"gradescope.json", "prairielearn.json", "exercism.json"}, e.Name())
	}), err
}
