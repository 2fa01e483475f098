package kafka

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"faultlab/docker"
	"faultlab/internal/rig"
)

// The listeners' ports in the container.
const (
	internal   = 9092 // other brokers and clients on the rig's network
	controller = 9093
	external   = 9094 // clients on this machine, by the published port
	fronted    = 9095 // a Front on this machine
	front      = 9096 // no port of the container: its host port is where the Front listens
)

// clusterID names the cluster of several brokers. One broker of our own image
// has the id that it was formatted with.
const clusterID = "ZmF1bHRsYWJrYWZrYXgzeA"

// Where things are in the container. The official image declares
// /var/lib/kafka/data a volume, which would keep the records out of a snapshot;
// ours has formatted dataDir.
const (
	dataDir        = "/srv/kafka"
	propertiesFile = "/etc/faultlab/server.properties"
	loggingFile    = "/etc/faultlab/log4j2.xml"
)

// Java and its options in either kind of image. Ours lists them in a file, with
// the archive of classes that it was made with.
const (
	localJava    = "java @/opt/kafka/java.args"
	officialJava = "/opt/java/openjdk/bin/java -Xshare:auto -XX:SharedArchiveFile=/opt/kafka/kafka.jsa " +
		"-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '/opt/kafka/libs/*'"
)

// Spec starts the broker by java's binary and a server.properties of our own,
// so that both kinds of image behave alike.
func (b *Broker) Spec(img docker.Image, at func(port int) int) rig.Spec {
	java, user := localJava, ""
	if img.Origin == docker.Official {
		java, user = officialJava, "root" // to make dataDir
	}
	dir := dataDir
	if b.cluster.conf.Brokers > 1 {
		// The image is formatted for a single node of id 1.
		dir += fmt.Sprintf("/node-%d", b.id)
	}
	ports := []int{external}
	if b.cluster.conf.Front {
		ports = append(ports, fronted)
	}
	return rig.Spec{
		Cmd:   []string{"sh", "-c", b.script(java, dir)},
		User:  user,
		Ports: ports,
		Files: []rig.File{
			{Path: propertiesFile, Text: b.properties(dir, at)},
			{Path: loggingFile, Text: logging},
		},
	}
}

// script formats a directory that no broker has used yet, and becomes the
// broker: as process 1 it gets the signal to stop.
func (b *Broker) script(java, dir string) string {
	java += fmt.Sprintf(" -Xmx%dm -Dlog4j2.configurationFile=%s", b.cluster.conf.Heap, loggingFile)
	return fmt.Sprintf("test -f %[2]s/meta.properties || %[1]s kafka.tools.StorageTool format -t %[3]s -c %[4]s || exit\n"+
		"exec %[1]s kafka.Kafka %[4]s\n", java, dir, clusterID, propertiesFile)
}

// properties is the broker's server.properties.
func (b *Broker) properties(dir string, at func(int) int) string {
	conf := b.cluster.conf
	replicas := min(conf.Brokers, 3)
	var voters []string
	for _, x := range b.cluster.brokers {
		voters = append(voters, fmt.Sprintf("%d@%s:%d", x.id, x.name, controller))
	}
	set := map[string]string{
		"node.id":                        fmt.Sprint(b.id),
		"process.roles":                  "broker,controller",
		"controller.quorum.voters":       strings.Join(voters, ","),
		"controller.listener.names":      "CONTROLLER",
		"listeners":                      fmt.Sprintf("INTERNAL://:%d,CONTROLLER://:%d,EXTERNAL://:%d", internal, controller, external),
		"advertised.listeners":           fmt.Sprintf("INTERNAL://%s:%d,EXTERNAL://127.0.0.1:%d", b.name, internal, at(external)),
		"inter.broker.listener.name":     "INTERNAL",
		"listener.security.protocol.map": "INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT,EXTERNAL:PLAINTEXT",
		"log.dirs":                       dir,
		"auto.create.topics.enable":      "false",
		"default.replication.factor":     fmt.Sprint(replicas),
		"min.insync.replicas":            fmt.Sprint(max(1, replicas-1)),
		// A snapshot may be old when it is used: neither its records nor its
		// groups' offsets may have expired by then.
		"log.retention.ms":          "-1",
		"offsets.retention.minutes": "2000000000",
		// Few partitions of the internal topics: they are made on first use,
		// and a start reads them all.
		"offsets.topic.num.partitions":                     "4",
		"offsets.topic.replication.factor":                 fmt.Sprint(replicas),
		"transaction.state.log.num.partitions":             "4",
		"transaction.state.log.replication.factor":         fmt.Sprint(replicas),
		"transaction.state.log.min.isr":                    fmt.Sprint(max(1, replicas-1)),
		"share.coordinator.state.topic.num.partitions":     "4",
		"share.coordinator.state.topic.replication.factor": fmt.Sprint(replicas),
		"share.coordinator.state.topic.min.isr":            fmt.Sprint(max(1, replicas-1)),
		// The first member of a group gets its partitions at once, and one that
		// was killed can be missed soon.
		"group.initial.rebalance.delay.ms": "0",
		"group.min.session.timeout.ms":     "1000",
		// The default, 128 MiB, would be a quarter of the heap.
		"log.cleaner.dedupe.buffer.size": "16777216",
	}
	if conf.Front {
		set["listeners"] += fmt.Sprintf(",FRONTED://:%d", fronted)
		set["advertised.listeners"] += fmt.Sprintf(",FRONTED://127.0.0.1:%d", at(front))
		set["listener.security.protocol.map"] += ",FRONTED:PLAINTEXT"
	}
	maps.Copy(set, conf.Set)
	var text strings.Builder
	for _, k := range slices.Sorted(maps.Keys(set)) {
		fmt.Fprintf(&text, "%s=%s\n", k, set[k])
	}
	return text.String()
}

// logging sends the broker's log to its standard output, without the four
// hundred lines of configuration that it prints at each start.
const logging = `<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="ERROR">
  <Appenders>
    <Console name="out">
      <PatternLayout pattern="%d{ISO8601} %p %m (%c{1})%n%throwable"/>
    </Console>
  </Appenders>
  <Loggers>
    <Root level="INFO"><AppenderRef ref="out"/></Root>
    <Logger name="org.apache.kafka.common.config.AbstractConfig" level="WARN"/>
    <Logger name="kafka.server.KafkaConfig" level="WARN"/>
  </Loggers>
</Configuration>
`
