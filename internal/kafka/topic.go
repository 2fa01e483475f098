package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	driver "github.com/segmentio/kafka-go"

	"faultlab/internal/measure"
)

// ErrNoTopic is what calls about a topic return that does not exist.
var ErrNoTopic error = driver.UnknownTopicOrPartition

// Topic is a topic to create.
type Topic struct {
	Name       string
	Partitions int               // 0: 1
	Replicas   int               // 0: one on each broker, three at most
	Config     map[string]string // "retention.ms": "-1"
}

// Create makes topics and returns when every partition has its leader and all
// of its replicas.
func (c *Cluster) Create(ctx context.Context, topics ...Topic) error {
	var req driver.CreateTopicsRequest
	var names []string
	for _, t := range topics {
		conf := driver.TopicConfig{
			Topic:             t.Name,
			NumPartitions:     max(t.Partitions, 1),
			ReplicationFactor: t.Replicas,
		}
		if t.Replicas == 0 {
			conf.ReplicationFactor = min(len(c.brokers), 3)
		}
		for _, k := range slices.Sorted(maps.Keys(t.Config)) {
			conf.ConfigEntries = append(conf.ConfigEntries, driver.ConfigEntry{ConfigName: k, ConfigValue: t.Config[k]})
		}
		req.Topics = append(req.Topics, conf)
		names = append(names, t.Name)
	}
	res, err := c.Client().CreateTopics(ctx, &req)
	if err != nil {
		return fmt.Errorf("create topics %v: %w", names, err)
	}
	for name, err := range res.Errors {
		if err != nil {
			return fmt.Errorf("create topic %s: %w", name, err)
		}
	}
	for _, t := range req.Topics {
		if err := c.spread(ctx, t.Topic, t.NumPartitions); err != nil {
			return err
		}
	}
	return nil
}

// spread waits until a topic has so many partitions, each with a leader that
// knows of it and with all of its replicas, and the client has heard of them.
func (c *Cluster) spread(ctx context.Context, topic string, partitions int) error {
	return measure.Until(ctx, fmt.Sprintf("topic %s has %d partitions with leaders", topic, partitions), func(ctx context.Context) (string, bool, error) {
		seen, err := c.Partitions(ctx, topic)
		if err != nil {
			return "", false, err
		}
		n := 0
		for _, p := range seen {
			if p.Leader.Host != "" && len(p.Isr) == len(p.Replicas) {
				n++
			}
		}
		if n != partitions {
			return fmt.Sprintf("%d partitions have leaders", n), false, nil
		}
		_, err = c.Ends(ctx, topic)
		return "", err == nil, err
	})
}

// Drop deletes topics. A topic that is not there is not an error.
func (c *Cluster) Drop(ctx context.Context, names ...string) error {
	res, err := c.Client().DeleteTopics(ctx, &driver.DeleteTopicsRequest{Topics: names})
	if err != nil {
		return fmt.Errorf("delete topics %v: %w", names, err)
	}
	for name, err := range res.Errors {
		if err != nil && !errors.Is(err, ErrNoTopic) {
			return fmt.Errorf("delete topic %s: %w", name, err)
		}
	}
	return nil
}

// Partitions returns a topic's partitions by number, as a broker sees them now.
func (c *Cluster) Partitions(ctx context.Context, topic string) ([]driver.Partition, error) {
	m, err := c.metadata(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("read partitions of %s: %w", topic, err)
	}
	if len(m.Topics) == 0 {
		return nil, fmt.Errorf("read partitions of %s: %w", topic, ErrNoTopic)
	}
	ps := m.Topics[0].Partitions
	slices.SortFunc(ps, func(a, b driver.Partition) int { return a.ID - b.ID })
	return ps, nil
}

// Starts returns the first offset that is still there, by partition.
func (c *Cluster) Starts(ctx context.Context, topic string) ([]int64, error) {
	return c.offsets(ctx, topic, driver.FirstOffset)
}

// Ends returns the offset that the next record will get, by partition.
func (c *Cluster) Ends(ctx context.Context, topic string) ([]int64, error) {
	return c.offsets(ctx, topic, driver.LastOffset)
}

func (c *Cluster) offsets(ctx context.Context, topic string, which int64) ([]int64, error) {
	ps, err := c.Partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	req := &driver.ListOffsetsRequest{Topics: map[string][]driver.OffsetRequest{}}
	for _, p := range ps {
		req.Topics[topic] = append(req.Topics[topic], driver.OffsetRequest{Partition: p.ID, Timestamp: which})
	}
	offsets := make([]int64, len(ps))
	err = settle(ctx, func() error {
		res, err := c.Client().ListOffsets(ctx, req)
		if err != nil {
			return fmt.Errorf("list offsets of %s: %w", topic, err)
		}
		for _, p := range res.Topics[topic] {
			if p.Error != nil {
				return fmt.Errorf("list offsets of %s-%d: %w", topic, p.Partition, p.Error)
			}
			offsets[p.Partition] = p.LastOffset
			if which == driver.FirstOffset {
				offsets[p.Partition] = p.FirstOffset
			}
		}
		return nil
	})
	return offsets, err
}

// Alter sets entries of a topic's configuration; an empty value goes back to
// the broker's default.
func (c *Cluster) Alter(ctx context.Context, topic string, set map[string]string) error {
	res := driver.IncrementalAlterConfigsRequestResource{ResourceType: driver.ResourceTypeTopic, ResourceName: topic}
	for _, k := range slices.Sorted(maps.Keys(set)) {
		op := driver.ConfigOperationSet
		if set[k] == "" {
			op = driver.ConfigOperationDelete
		}
		res.Configs = append(res.Configs, driver.IncrementalAlterConfigsRequestConfig{Name: k, Value: set[k], ConfigOperation: op})
	}
	got, err := c.Client().IncrementalAlterConfigs(ctx, &driver.IncrementalAlterConfigsRequest{
		Resources: []driver.IncrementalAlterConfigsRequestResource{res},
	})
	if err == nil {
		for _, r := range got.Resources {
			err = errors.Join(err, r.Error)
		}
	}
	if err != nil {
		return fmt.Errorf("alter configuration of %s: %w", topic, err)
	}
	return nil
}

// Config returns a topic's configuration with all defaults.
func (c *Cluster) Config(ctx context.Context, topic string) (map[string]string, error) {
	res, err := c.Client().DescribeConfigs(ctx, &driver.DescribeConfigsRequest{
		Resources: []driver.DescribeConfigRequestResource{{ResourceType: driver.ResourceTypeTopic, ResourceName: topic}},
	})
	if err != nil {
		return nil, fmt.Errorf("read configuration of %s: %w", topic, err)
	}
	conf := map[string]string{}
	for _, r := range res.Resources {
		if r.Error != nil {
			return nil, fmt.Errorf("read configuration of %s: %w", topic, r.Error)
		}
		for _, e := range r.ConfigEntries {
			conf[e.ConfigName] = e.ConfigValue
		}
	}
	return conf, nil
}

// Grow gives a topic more partitions.
func (c *Cluster) Grow(ctx context.Context, topic string, partitions int) error {
	res, err := c.Client().CreatePartitions(ctx, &driver.CreatePartitionsRequest{
		Topics: []driver.TopicPartitionsConfig{{Name: topic, Count: int32(partitions)}},
	})
	if err == nil {
		err = res.Errors[topic]
	}
	if err != nil {
		return fmt.Errorf("grow %s to %d partitions: %w", topic, partitions, err)
	}
	return c.spread(ctx, topic, partitions)
}
