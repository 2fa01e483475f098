// Command bench measures what faultlab costs, as ratios: each figure of ours
// beside one of the bare server, taken in turns in the same minutes on the same
// machine. It prints a Markdown table of medians; see make bench.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"github.com/moby/moby/client"

	"faultlab/internal/engine"
	"faultlab/internal/trial"
	"faultlab/labs"
)

func main() {
	rounds := flag.Int("n", 3, "rounds; the table has their medians")
	only := flag.String("only", "", "measure only what matches this regular expression: 'seed/mysql', 'run/'")
	readme := flag.String("readme", "", "put the table into this file, between its markers")
	flag.Parse()
	if flag.NArg() > 0 || *rounds < 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *rounds, *only, *readme)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds int, only, readme string) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	root, err := trial.Root(".")
	if err != nil {
		return err
	}
	api, err := engine.Client(ctx)
	if err != nil {
		return err
	}
	defer api.Close()
	b := &bench{api: api, rounds: rounds, only: pattern}
	for _, k := range kinds {
		if err := b.engine(ctx, k); err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
	}
	for _, l := range labs.All {
		err := b.playground(ctx, root, l)
		if err == nil {
			err = b.lab(ctx, root, l)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", l.Name, err)
		}
	}
	if err := b.grading(ctx, root); err != nil {
		return fmt.Errorf("grading: %w", err)
	}
	machine, err := b.machine(ctx)
	if err != nil {
		return err
	}
	text := b.table() + "\n" + machine + "\n"
	if readme != "" {
		if err := intoFile(readme, text); err != nil {
			return err
		}
	}
	_, err = fmt.Print(text)
	return err
}

// bench is one run of the command and what it has measured.
type bench struct {
	api    *client.Client
	rounds int
	only   *regexp.Regexp
	rows   []*row
}

// row returns a new row of the table, and whether it is to be measured.
func (b *bench) row(s section, name, subject string, count int) (*row, bool) {
	r := &row{section: s, subject: subject, count: count}
	if !b.only.MatchString(string(s) + "/" + name) {
		return r, false
	}
	b.rows = append(b.rows, r)
	return r, true
}

// add notes one round and shows it.
func (r *row) add(ours, bare time.Duration) {
	r.ours, r.bare = append(r.ours, ours), append(r.bare, bare)
	log("%s, %s: %.2f s, bare %.2f s", r.section, r.subject, ours.Seconds(), bare.Seconds())
}

// log shows progress.
func log(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
