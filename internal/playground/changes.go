package playground

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"faultlab/internal/lab"
	"faultlab/internal/rig"
)

// objects are what a person may change, by server and name.
type objects map[string]string

// look asks all servers for their objects.
func look(ctx context.Context, r *rig.Rig) (objects, error) {
	all := objects{}
	several := len(r.Nodes()) > 1
	for _, n := range r.Nodes() {
		x, ok := n.Server().(rig.Explorable)
		if !ok {
			continue
		}
		some, err := x.Objects(ctx)
		if err != nil {
			return nil, err
		}
		for name, text := range some {
			if several {
				name = n.Name() + ": " + name
			}
			all[name] = text
		}
	}
	return all, nil
}

// changes tells what was done by hand from what a fix did.
type changes struct {
	known   objects // as they came up, or as the last fix left them
	hand    []string
	applied []Applied
}

// skip notes something of ours that found before and left after.
func (c *changes) skip(before, after objects) {
	c.hand = append(c.hand, diff(c.known, before)...)
	c.known = after
}

// apply notes a fix that did.
func (c *changes) apply(a Applied, before, after objects) {
	c.skip(before, after)
	c.applied = append(c.applied, a)
}

// notes says how what is there differs from fix/, which is mine, or can't be
// read because of err.
func (c *changes) notes(now objects, mine lab.Variant, err error) []string {
	var notes []string
	var last *Applied
	for i := range c.applied {
		if c.applied[i].Variant == "fix" {
			last = &c.applied[i]
		}
	}
	switch {
	case err != nil:
		notes = append(notes, fmt.Sprintf("nothing of this is in a fix/ that lab run could judge: %v", err))
	case last == nil:
		notes = append(notes, "fix/ was not applied here: what it does is not in these readings")
	case last.Error != "":
		notes = append(notes, fmt.Sprintf("fix/ was applied at %s and stopped with an error", last.At.Format("15:04:05")))
	case !maps.Equal(last.files, mine.Files):
		notes = append(notes, fmt.Sprintf("fix/ was edited after it was applied at %s: these readings are of what it was", last.At.Format("15:04:05")))
	default:
		notes = append(notes, fmt.Sprintf("fix/ was applied at %s and is the same now", last.At.Format("15:04:05")))
	}
	for _, a := range c.applied {
		if a.Variant != "fix" {
			notes = append(notes, fmt.Sprintf("%s/ was applied at %s", a.Variant, a.At.Format("15:04:05")))
		}
	}
	hand := append(slices.Clone(c.hand), diff(c.known, now)...)
	if len(hand) > 0 {
		notes = append(notes, "done by hand, and not by fix/ here:")
		for _, h := range hand {
			notes = append(notes, "  "+h)
		}
	}
	return notes
}

// diff says in a line each which objects came, went or are different, with the
// lines that are.
func diff(was, is objects) []string {
	var all []string
	names := map[string]bool{}
	for name := range was {
		names[name] = true
	}
	for name := range is {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		a, had := was[name]
		b, has := is[name]
		switch {
		case a == b && had == has:
		case !had && strings.Contains(b, "\n") || !had && len(b) > 60:
			all = append(all, name+" is new")
		case !had:
			all = append(all, fmt.Sprintf("%s = %s", name, b))
		case !has:
			all = append(all, name+" is gone")
		default:
			all = append(all, name+" changed: "+strings.Join(lineDiff(a, b), " "))
		}
	}
	return all
}

// lineDiff are the lines that only one of two texts has: enough to see what
// changed in a CREATE TABLE, whatever their order.
func lineDiff(a, b string) []string {
	was, is := split(a), split(b)
	var out []string
	for _, l := range was {
		if !slices.Contains(is, l) {
			out = append(out, "−["+l+"]")
		}
	}
	for _, l := range is {
		if !slices.Contains(was, l) {
			out = append(out, "+["+l+"]")
		}
	}
	return out
}

// split cuts a text at its lines, or at the commas of one line.
func split(text string) []string {
	sep := "\n"
	if !strings.Contains(text, sep) {
		sep = ", "
	}
	var parts []string
	for _, p := range strings.Split(text, sep) {
		parts = append(parts, strings.Trim(p, " ,"))
	}
	return parts
}
