package kafka

import (
	"context"
	"fmt"
	"slices"

	driver "github.com/segmentio/kafka-go"
)

// Group is a consumer group as its coordinator sees it.
type Group struct {
	Name    string
	State   string // "Stable", "PreparingRebalance", "CompletingRebalance", "Empty", "Dead"
	Members []Member
}

// Member is one consumer of a group.
type Member struct {
	ID         string
	Client     string
	Partitions map[string][]int // by topic
}

// Committed returns the group's committed offsets by partition; -1 where it
// has none.
func (c *Cluster) Committed(ctx context.Context, group, topic string) ([]int64, error) {
	ps, err := c.Partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	ids := make([]int, len(ps))
	for i, p := range ps {
		ids[i] = p.ID
	}
	var res *driver.OffsetFetchResponse
	err = settle(ctx, func() (err error) {
		res, err = c.Client().OffsetFetch(ctx, &driver.OffsetFetchRequest{
			GroupID: group,
			Topics:  map[string][]int{topic: ids},
		})
		if err == nil {
			err = res.Error
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read offsets of group %s: %w", group, err)
	}
	offsets := slices.Repeat([]int64{-1}, len(ps))
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("read offset of group %s on %s-%d: %w", group, topic, p.Partition, p.Error)
		}
		offsets[p.Partition] = p.CommittedOffset
	}
	return offsets, nil
}

// Lag returns the records of each partition that the group has not committed:
// the end offset minus the committed one, or all there are if it has none.
// The committed offsets are read first, so that a lag is never below zero.
func (c *Cluster) Lag(ctx context.Context, group, topic string) ([]int64, error) {
	committed, err := c.Committed(ctx, group, topic)
	if err != nil {
		return nil, err
	}
	starts, err := c.Starts(ctx, topic)
	if err != nil {
		return nil, err
	}
	ends, err := c.Ends(ctx, topic)
	if err != nil {
		return nil, err
	}
	lag := make([]int64, len(committed))
	for p := range lag {
		lag[p] = ends[p] - max(committed[p], starts[p])
	}
	return lag, nil
}

// Commit sets a group's offsets by partition; the group must have no members.
func (c *Cluster) Commit(ctx context.Context, group, topic string, offsets []int64) error {
	req := &driver.OffsetCommitRequest{GroupID: group, GenerationID: -1, Topics: map[string][]driver.OffsetCommit{}}
	for p, o := range offsets {
		req.Topics[topic] = append(req.Topics[topic], driver.OffsetCommit{Partition: p, Offset: o})
	}
	return settle(ctx, func() error {
		res, err := c.Client().OffsetCommit(ctx, req)
		if err != nil {
			return fmt.Errorf("commit offsets of group %s: %w", group, err)
		}
		for _, p := range res.Topics[topic] {
			if p.Error != nil {
				return fmt.Errorf("commit offset of group %s on %s-%d: %w", group, topic, p.Partition, p.Error)
			}
		}
		return nil
	})
}

// Group describes a group. One that the coordinator does not know is "Dead".
func (c *Cluster) Group(ctx context.Context, name string) (Group, error) {
	g := Group{Name: name, State: "Dead"}
	var res *driver.DescribeGroupsResponse
	err := settle(ctx, func() (err error) {
		res, err = c.Client().DescribeGroups(ctx, &driver.DescribeGroupsRequest{GroupIDs: []string{name}})
		if err == nil && len(res.Groups) > 0 {
			err = res.Groups[0].Error
		}
		return err
	})
	if err != nil {
		return g, fmt.Errorf("describe group %s: %w", name, err)
	}
	for _, d := range res.Groups {
		g.State = d.GroupState
		for _, m := range d.Members {
			member := Member{ID: m.MemberID, Client: m.ClientID, Partitions: map[string][]int{}}
			for _, t := range m.MemberAssignments.Topics {
				member.Partitions[t.Topic] = slices.Sorted(slices.Values(t.Partitions))
			}
			g.Members = append(g.Members, member)
		}
	}
	return g, nil
}

// Groups names all groups.
func (c *Cluster) Groups(ctx context.Context) ([]string, error) {
	var names []string
	for _, b := range c.brokers {
		res, err := c.Client().ListGroups(ctx, &driver.ListGroupsRequest{Addr: driver.TCP(b.Addr())})
		if err == nil {
			err = res.Error
		}
		if err != nil {
			return nil, fmt.Errorf("list groups: %w", err)
		}
		for _, g := range res.Groups {
			names = append(names, g.GroupID)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Evict removes a group's members, as an operator removes those that are known
// to be dead: the next one need not wait for their sessions to time out.
func (c *Cluster) Evict(ctx context.Context, group string) error {
	g, err := c.Group(ctx, group)
	if err != nil {
		return err
	}
	if len(g.Members) == 0 {
		return nil
	}
	req := &driver.LeaveGroupRequest{GroupID: group}
	for _, m := range g.Members {
		req.Members = append(req.Members, driver.LeaveGroupRequestMember{ID: m.ID})
	}
	res, err := c.Client().LeaveGroup(ctx, req)
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return fmt.Errorf("remove members of group %s: %w", group, err)
	}
	return nil
}
