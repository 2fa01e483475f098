package kafka

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	driver "github.com/segmentio/kafka-go"

	"faultlab/docker"
	"faultlab/internal/rig"
)

var _ rig.Explorable = (*Broker)(nil)

// The tools that most questions begin with.
const (
	groups  = "kafka-consumer-groups.sh"
	offsets = "kafka-get-offsets.sh"
)

// Shell is a shell with Kafka's tools in its PATH; there are no accounts.
func (b *Broker) Shell(docker.Image) rig.Shell {
	return rig.Shell{
		Cmd: []string{"sh", "-c", "command -v bash >/dev/null && exec bash; exec sh"},
		Env: map[string]string{
			"HOME": "/tmp", "BOOTSTRAP": b.inside(), "PS1": b.name + "$ ",
			"PATH": "/opt/kafka/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		},
	}
}

// inside is where the broker is found from its own container.
func (b *Broker) inside() string { return fmt.Sprintf("%s:%d", b.name, internal) }

// Connect is how clients of this machine reach the broker.
func (b *Broker) Connect() []rig.Connect {
	const ask = " --describe --all-groups"
	return []rig.Connect{
		{
			What: "groups", Client: groups, Line: groups + " --bootstrap-server " + b.Addr() + ask,
			Inside: append([]string{groups, "--bootstrap-server", b.inside()}, strings.Fields(ask)...),
		},
		{
			What: "offsets", Client: offsets, Line: offsets + " --bootstrap-server " + b.Addr(),
			Inside: []string{offsets, "--bootstrap-server", b.inside()},
		},
		{What: "bootstrap", Line: b.Addr()},
	}
}

// Objects are the topics: partitions and the settings that are their own. The
// first broker tells them for all.
func (b *Broker) Objects(ctx context.Context) (map[string]string, error) {
	if b.id != 1 {
		return nil, nil
	}
	m, err := b.cluster.metadata(ctx)
	if err != nil {
		return nil, err
	}
	req := &driver.DescribeConfigsRequest{}
	objects := map[string]string{}
	for _, t := range m.Topics {
		if t.Internal || strings.HasPrefix(t.Name, "__") {
			continue
		}
		objects["topic "+t.Name] = fmt.Sprintf("partitions=%d", len(t.Partitions))
		req.Resources = append(req.Resources, driver.DescribeConfigRequestResource{ResourceType: driver.ResourceTypeTopic, ResourceName: t.Name})
	}
	if len(req.Resources) == 0 {
		return objects, nil
	}
	res, err := b.cluster.Client().DescribeConfigs(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("look at topics: %w", err)
	}
	const own = 1 // DYNAMIC_TOPIC_CONFIG
	for _, r := range res.Resources {
		set := map[string]string{}
		for _, e := range r.ConfigEntries {
			if e.ConfigSource == own {
				set[e.ConfigName] = e.ConfigValue
			}
		}
		for _, name := range slices.Sorted(maps.Keys(set)) {
			objects["topic "+r.ResourceName] += " " + name + "=" + set[name]
		}
	}
	return objects, nil
}
