package kafka

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Evidence is what the first broker says of topics and groups; the others add
// nothing to it. A line that could not be had says why.
func (b *Broker) Evidence(ctx context.Context) map[string]string {
	if b.id != 1 {
		return nil
	}
	return map[string]string{
		"topics.txt": b.cluster.topicsText(ctx),
		"groups.txt": b.cluster.groupsText(ctx),
	}
}

// topicsText lists every partition with its leader, replicas and offsets.
func (c *Cluster) topicsText(ctx context.Context) string {
	m, err := c.metadata(ctx)
	if err != nil {
		return err.Error() + "\n"
	}
	var out strings.Builder
	for _, t := range m.Topics {
		starts, err := c.Starts(ctx, t.Name)
		if err != nil {
			fmt.Fprintln(&out, err)
			continue
		}
		ends, err := c.Ends(ctx, t.Name)
		if err != nil {
			fmt.Fprintln(&out, err)
			continue
		}
		ps, err := c.Partitions(ctx, t.Name)
		if err != nil {
			fmt.Fprintln(&out, err)
			continue
		}
		fmt.Fprintf(&out, "%s: %d partitions\n", t.Name, len(ps))
		for _, p := range ps {
			fmt.Fprintf(&out, "  %3d  leader %d  replicas %d  in sync %d  start %d  end %d\n",
				p.ID, p.Leader.ID, len(p.Replicas), len(p.Isr), starts[p.ID], ends[p.ID])
		}
	}
	return out.String()
}

// groupsText lists every group with its members, and its lag on each
// partition of the topics that it has offsets for.
func (c *Cluster) groupsText(ctx context.Context) string {
	names, err := c.Groups(ctx)
	if err != nil {
		return err.Error() + "\n"
	}
	m, err := c.metadata(ctx)
	if err != nil {
		return err.Error() + "\n"
	}
	var out strings.Builder
	for _, name := range names {
		g, err := c.Group(ctx, name)
		if err != nil {
			fmt.Fprintln(&out, err)
			continue
		}
		fmt.Fprintf(&out, "%s: %s, %d members\n", name, g.State, len(g.Members))
		for _, x := range g.Members {
			fmt.Fprintf(&out, "  member %s (%s) has %v\n", x.ID, x.Client, x.Partitions)
		}
		for _, t := range m.Topics {
			committed, err := c.Committed(ctx, name, t.Name)
			if err != nil || slices.Max(committed) < 0 {
				continue
			}
			lag, err := c.Lag(ctx, name, t.Name)
			if err != nil {
				continue
			}
			for p := range lag {
				fmt.Fprintf(&out, "  %s-%d  committed %d  lag %d\n", t.Name, p, committed[p], lag[p])
			}
		}
	}
	return out.String()
}
