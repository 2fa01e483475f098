package kafka

import (
	"context"
	"fmt"

	driver "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// Trim deletes the records of a partition below an offset, as retention does
// when a consumer was away for too long. The driver has no call for it, but
// lets a message type be added.
func (c *Cluster) Trim(ctx context.Context, topic string, partition int, before int64) error {
	client := c.Client()
	res, err := client.Transport.RoundTrip(ctx, client.Addr, &deleteRecords{
		Topics: []deleteRecordsTopic{{
			Name:       topic,
			Partitions: []deleteRecordsPartition{{Index: int32(partition), Offset: before}},
		}},
		TimeoutMs: 20_000,
	})
	if err != nil {
		return fmt.Errorf("delete records of %s-%d before %d: %w", topic, partition, before, err)
	}
	for _, t := range res.(*deleteRecordsResponse).Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				return fmt.Errorf("delete records of %s-%d before %d: %w", topic, p.Index, before, driver.Error(p.ErrorCode))
			}
		}
	}
	return nil
}

// The DeleteRecords API, key 21, version 1; it goes to the partition's leader.
type deleteRecords struct {
	Topics    []deleteRecordsTopic `kafka:"min=v0,max=v1"`
	TimeoutMs int32                `kafka:"min=v0,max=v1"`
}

type deleteRecordsTopic struct {
	Name       string                   `kafka:"min=v0,max=v1"`
	Partitions []deleteRecordsPartition `kafka:"min=v0,max=v1"`
}

type deleteRecordsPartition struct {
	Index  int32 `kafka:"min=v0,max=v1"`
	Offset int64 `kafka:"min=v0,max=v1"`
}

type deleteRecordsResponse struct {
	ThrottleTimeMs int32                        `kafka:"min=v0,max=v1"`
	Topics         []deleteRecordsResponseTopic `kafka:"min=v0,max=v1"`
}

type deleteRecordsResponseTopic struct {
	Name       string                           `kafka:"min=v0,max=v1"`
	Partitions []deleteRecordsResponsePartition `kafka:"min=v0,max=v1"`
}

type deleteRecordsResponsePartition struct {
	Index        int32 `kafka:"min=v0,max=v1"`
	LowWatermark int64 `kafka:"min=v0,max=v1"`
	ErrorCode    int16 `kafka:"min=v0,max=v1"`
}

func init() { protocol.Register(&deleteRecords{}, &deleteRecordsResponse{}) }

func (*deleteRecords) ApiKey() protocol.ApiKey         { return protocol.DeleteRecords }
func (*deleteRecordsResponse) ApiKey() protocol.ApiKey { return protocol.DeleteRecords }

// Broker chooses the leader of the one partition that a request names.
func (r *deleteRecords) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	t := r.Topics[0]
	leader := cluster.Topics[t.Name].Partitions[t.Partitions[0].Index].Leader
	b, ok := cluster.Brokers[leader]
	if !ok {
		return protocol.Broker{}, driver.LeaderNotAvailable
	}
	return b, nil
}
