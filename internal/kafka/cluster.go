// Package kafka starts one broker or a cluster of them and speaks to it: topics
// and their configuration, records in bulk, offsets, groups and their lag. It
// knows nothing about labs.
//
// Every number comes from the brokers themselves (ListOffsets, OffsetFetch,
// DescribeGroups). The client library's own idea of a group's lag is wrong.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	driver "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"faultlab/internal/measure"
	"faultlab/internal/rig"
)

// Config says what to start.
type Config struct {
	Name    string            // host name; several brokers are name-1, name-2 …; empty: "kafka"
	Brokers int               // each is broker and controller; 0: 1
	Heap    int               // MiB of Java heap for each; 0: 512
	Front   bool              // clients may come through a Front; of one broker only
	Set     map[string]string // further lines of server.properties, or other values for ours
}

// Cluster is one broker or several that form one cluster.
type Cluster struct {
	conf    Config
	brokers []*Broker

	mu     sync.Mutex
	client *driver.Client
}

// New adds a cluster to the rig.
func New(r *rig.Rig, c Config) *Cluster {
	if c.Name == "" {
		c.Name = "kafka"
	}
	c.Brokers = max(c.Brokers, 1)
	if c.Heap == 0 {
		c.Heap = 512
	}
	cl := &Cluster{conf: c}
	for id := 1; id <= c.Brokers; id++ {
		b := &Broker{cluster: cl, id: id, name: c.Name}
		if c.Brokers > 1 {
			b.name = fmt.Sprintf("%s-%d", c.Name, id)
		}
		b.node = r.Add(b)
		cl.brokers = append(cl.brokers, b)
	}
	r.Join(func(ctx context.Context, _ bool) error { return cl.joined(ctx) })
	return cl
}

// Broker returns the broker with this node.id, from 1 on.
func (c *Cluster) Broker(id int) *Broker { return c.brokers[id-1] }

// Addrs are the brokers' addresses for clients on this machine.
func (c *Cluster) Addrs() []string {
	var addrs []string
	for _, b := range c.brokers {
		addrs = append(addrs, b.Addr())
	}
	return addrs
}

// Bootstrap is Addrs as clients want them in one string.
func (c *Cluster) Bootstrap() string { return strings.Join(c.Addrs(), ",") }

// Client is the driver's client for whatever has no method here. It is
// replaced when the brokers are started again.
func (c *Cluster) Client() *driver.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client == nil {
		c.client = client(c.Addrs()...)
	}
	return c.client
}

// client keeps the brokers' metadata for a short time only: leaders move and
// topics come and go while a lab runs.
func client(addrs ...string) *driver.Client {
	return &driver.Client{
		Addr:    driver.TCP(addrs...),
		Timeout: 20 * time.Second,
		Transport: &driver.Transport{
			ClientID:    "faultlab",
			MetadataTTL: time.Second,
		},
	}
}

// hangUp drops the connections; the next Client makes new ones.
func (c *Cluster) hangUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		c.client.Transport.(*driver.Transport).CloseIdleConnections()
		c.client = nil
	}
}

// joined waits until every broker is a member and every partition has all of
// its replicas in sync.
func (c *Cluster) joined(ctx context.Context) error {
	c.hangUp()
	return measure.Until(ctx, "all brokers of "+c.conf.Name+" hold all their partitions", func(ctx context.Context) (string, bool, error) {
		m, err := c.metadata(ctx)
		if err != nil {
			return "", false, err
		}
		if n := len(m.Brokers); n != len(c.brokers) {
			return fmt.Sprintf("%d of %d brokers are registered", n, len(c.brokers)), false, nil
		}
		for _, t := range m.Topics {
			for _, p := range t.Partitions {
				if p.Leader.Host == "" || len(p.Isr) < len(p.Replicas) {
					return fmt.Sprintf("%s-%d: %d of %d replicas in sync", t.Name, p.ID, len(p.Isr), len(p.Replicas)), false, nil
				}
			}
		}
		return "", true, nil
	})
}

// metadata asks a broker itself, past the client's cache.
func (c *Cluster) metadata(ctx context.Context, topics ...string) (*driver.MetadataResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var errs []error
	for _, b := range c.brokers {
		m, err := b.metadata(ctx, topics...)
		if err == nil {
			return m, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// settle repeats a call while brokers answer that it comes too early: a leader
// that has not heard of it yet, a coordinator that still reads its offsets.
// Such an answer means that nothing was done.
func settle(ctx context.Context, call func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	var err error
	_ = measure.Until(ctx, "", func(context.Context) (string, bool, error) {
		err = call()
		for _, early := range []error{
			driver.NotLeaderForPartition, driver.LeaderNotAvailable,
			driver.GroupLoadInProgress, driver.GroupCoordinatorNotAvailable, driver.NotCoordinatorForGroup,
			protocol.ErrNoTopic, protocol.ErrNoPartition, protocol.ErrNoLeader, // by the client's cache
		} {
			if errors.Is(err, early) {
				return "", false, nil
			}
		}
		return "", true, nil
	})
	return err
}

// Broker is one broker, which is a controller too.
type Broker struct {
	cluster *Cluster
	id      int
	name    string
	node    *rig.Node
}

var _ rig.Server = (*Broker)(nil)

// Name is the broker's host name on the rig's network.
func (b *Broker) Name() string { return b.name }

// Engine names its image.
func (b *Broker) Engine() string { return "kafka" }

// Node is the broker's container, for faults.
func (b *Broker) Node() *rig.Node { return b.node }

// Addr is the broker's address for clients on this machine.
func (b *Broker) Addr() string { return b.node.Addr(external) }

// Ready looks once whether the broker answers, is registered with its
// controllers and knows a leader for every partition. The cluster as a whole is
// waited for when all brokers are ready.
func (b *Broker) Ready(ctx context.Context, _ *rig.Node) error {
	b.cluster.hangUp()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	m, err := b.metadata(ctx)
	if err != nil {
		return err
	}
	mine := func(x driver.Broker) bool { return x.ID == b.id }
	if !slices.ContainsFunc(m.Brokers, mine) {
		return fmt.Errorf("%s answers, but is not registered", b.name)
	}
	for _, t := range m.Topics {
		for _, p := range t.Partitions {
			if p.Leader.Host == "" {
				return fmt.Errorf("%s knows no leader of %s-%d", b.name, t.Name, p.ID)
			}
		}
	}
	return nil
}

// metadata asks this broker over a connection of its own, since the driver's
// client answers from a cache.
func (b *Broker) metadata(ctx context.Context, topics ...string) (*driver.MetadataResponse, error) {
	conn, err := (&driver.Dialer{ClientID: "faultlab"}).DialContext(ctx, "tcp", b.Addr())
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", b.name, err)
	}
	defer conn.Close()
	if t, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(t); err != nil {
			return nil, fmt.Errorf("dial %s: %w", b.name, err)
		}
	}
	brokers, err := conn.Brokers()
	if err != nil {
		return nil, fmt.Errorf("ask %s for its brokers: %w", b.name, err)
	}
	parts, err := conn.ReadPartitions(topics...)
	if err != nil {
		return nil, fmt.Errorf("ask %s for its partitions: %w", b.name, err)
	}
	m := &driver.MetadataResponse{Brokers: brokers}
	for _, p := range parts {
		i := slices.IndexFunc(m.Topics, func(t driver.Topic) bool { return t.Name == p.Topic })
		if i < 0 {
			i, m.Topics = len(m.Topics), append(m.Topics, driver.Topic{Name: p.Topic})
		}
		m.Topics[i].Partitions = append(m.Topics[i].Partitions, p)
	}
	return m, nil
}

// Close drops the harness's connections.
func (b *Broker) Close() error {
	b.cluster.hangUp()
	return nil
}
