//go:build linux

// Command chaos kills, restarts, fills and removes what faultlab stands on while
// it works, and then sees whether all is as promised: the next run is right,
// nothing is left behind, no file of the learner's is lost or half-written. It
// works on a copy of the checkout, with a Docker engine of its own on a disk of
// its own, so that nothing else on the machine comes to harm; that takes root on
// Linux. It prints a Markdown table of what was tried and what held.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"faultlab/internal/trial"
)

func main() {
	kills := flag.Int("kills", 100, "how often the command is killed")
	restarts := flag.Int("restarts", 5, "how often the engine is restarted")
	disks := flag.Int("disks", 5, "how often the engine's disk is filled")
	images := flag.Int("images", 3, "how often the image is taken away")
	names := flag.String("labs", "mysql/oversell,mysql/slow-query", "the labs to run, in turns; single servers of one engine")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "what the random moments derive from")
	size := flag.Int("disk", 6, "size of the engine's disk in GiB")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	held, err := run(ctx, *size, *seed, strings.Split(*names, ","), []plan{
		{*kills, kill}, {*restarts, restart}, {*disks, fill}, {*images, takeAway},
	})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(3)
	}
	if !held {
		os.Exit(1)
	}
}

// plan is how often something is done.
type plan struct {
	times int
	do    func(context.Context, *stage, lab) (what string, err error)
}

func run(ctx context.Context, gib int, seed uint64, names []string, plans []plan) (held bool, err error) {
	root, err := trial.Root(".")
	if err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "faultlab-chaos-*")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	e, err := newEngine(ctx, filepath.Join(dir, "engine"), gib)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	s, err := newStage(ctx, root, filepath.Join(dir, "stage"), e, rand.New(rand.NewPCG(seed, 0)))
	if err != nil {
		return false, err
	}
	say("seed %d", seed)
	var labs []lab
	for _, name := range names {
		l, err := s.prepare(name)
		if err != nil {
			return false, fmt.Errorf("%s, before anything was done to it: %w", name, err)
		}
		labs = append(labs, l)
	}
	t := newTable()
	for _, p := range plans {
		for i := range p.times {
			l := labs[i%len(labs)]
			what, err := p.do(ctx, s, l)
			if err == nil {
				err = s.sound(ctx, l)
			}
			if ctx.Err() != nil {
				return false, context.Cause(ctx)
			}
			t.add(what, err)
			if err == nil {
				say("%d of %d: %s, %s: held", i+1, p.times, l.name, what)
				continue
			}
			say("%d of %d: %s, %s: %v", i+1, p.times, l.name, what, err)
			if err := s.anew(l); err != nil { // so that the next is no victim of it
				return false, fmt.Errorf("put right after a failure: %w", err)
			}
		}
	}
	fmt.Print(t)
	return t.held(), nil
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// table counts what was tried and what held, by kind.
type table struct {
	order       []string
	tried, good map[string]int
}

func newTable() *table { return &table{tried: map[string]int{}, good: map[string]int{}} }

func (t *table) add(what string, err error) {
	if t.tried[what]++; t.tried[what] == 1 {
		t.order = append(t.order, what)
	}
	if err == nil {
		t.good[what]++
	}
}

func (t *table) held() bool {
	for what, n := range t.tried {
		if t.good[what] != n {
			return false
		}
	}
	return true
}

func (t *table) String() string {
	var b strings.Builder
	b.WriteString("| what was done | tried | held |\n|---|--:|--:|\n")
	for _, what := range t.order {
		fmt.Fprintf(&b, "| %s | %d | %d |\n", what, t.tried[what], t.good[what])
	}
	return b.String()
}
