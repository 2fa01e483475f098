package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/client"
)

// section groups the rows of the table.
type section string

const (
	ready    section = "ready"
	snapshot section = "snapshot"
	seed     section = "seed"
	playing  section = "playground"
	fullRun  section = "run"
	gradings section = "grade"
)

// sections in the order of the table, with what is compared in each.
var sections = []struct {
	id                section
	title, ours, bare string
}{
	{ready, "Time to ready, from the image", "`Rig.Start`", "container started by hand"},
	{snapshot, "Time to ready, from a snapshot", "`Rig.Start`", "container started by hand"},
	{seed, "Seeding", "the harness's loader", "the server's own bulk path"},
	{playing, "A playground, warm, until its shell is connected", "the command", "container of the snapshot started by hand; for reset, also removed"},
	{fullRun, "A full run of the reference solution, warm", "from start to removal", "its servers' own work"},
	{gradings, "Grading, on data of a new seed", "`lab grade`", "`lab run`, one after another"},
}

// row is one comparison.
type row struct {
	section    section
	subject    string
	count      int // things loaded; 0: no rate
	ours, bare []time.Duration
}

// table is all rows as Markdown: medians, and the ratio of the medians.
func (b *bench) table() string {
	var t strings.Builder
	t.WriteString("| | faultlab | bare | ratio |\n|---|--:|--:|--:|\n")
	for _, s := range sections {
		headed := false
		for _, r := range b.rows {
			if r.section != s.id {
				continue
			}
			if !headed {
				headed = true
				fmt.Fprintf(&t, "| **%s** | *%s* | *%s* | |\n", s.title, s.ours, s.bare)
			}
			ours, bare := median(r.ours), median(r.bare)
			fmt.Fprintf(&t, "| %s | %s | %s | %.2f |\n", r.subject, r.cell(ours), r.cell(bare), float64(ours)/float64(bare))
		}
	}
	fmt.Fprintf(&t, "\nMedians of %d, ours and bare in turns; full runs and gradings once, the figures of a run from the same one.\n"+
		"The ratio is that of the times: below 1 is faster than bare.\n", b.rounds)
	return t.String()
}

func (r *row) cell(d time.Duration) string {
	if r.count == 0 {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.2f s, %s/s", d.Seconds(), thousands(int(float64(r.count)/d.Seconds())/1000*1000))
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	n := len(d)
	return (d[(n-1)/2] + d[n/2]) / 2
}

// machine is the line that says where the figures come from.
func (b *bench) machine(ctx context.Context) (string, error) {
	res, err := b.api.Info(ctx, client.InfoOptions{})
	if err != nil {
		return "", fmt.Errorf("ask the engine about its machine: %w", err)
	}
	i := res.Info
	return fmt.Sprintf("Measured %s: %d cores, %.0f GiB of memory, kernel %s, Docker %s (%s), %s.",
		time.Now().Format("January 2006"), i.NCPU, float64(i.MemTotal)/(1<<30), i.KernelVersion, i.ServerVersion, i.Driver, runtime.Version()), nil
}

const opening, closing = "<!-- bench -->", "<!-- /bench -->"

// intoFile replaces what stands between the markers.
func intoFile(name, text string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	s, err := between(string(b), text)
	if err != nil {
		return fmt.Errorf("put the table into %s: %w", name, err)
	}
	return os.WriteFile(name, []byte(s), 0o644)
}

func between(page, text string) (string, error) {
	before, rest, ok := strings.Cut(page, opening+"\n")
	_, after, ok2 := strings.Cut(rest, closing)
	if !ok || !ok2 {
		return "", errors.New("there is no line " + opening + " with " + closing + " below it")
	}
	return before + opening + "\n" + text + closing + after, nil
}
