#!/bin/sh
# Kafka 4.3 from Maven Central on a Java runtime of Debian sid.
recipes=$(cd "$(dirname "$0")/.." && pwd)
. "$recipes/recipe.sh"
here=$recipes/kafka
home=/opt/kafka

need mvn=maven
mkdir -p "$root$home/bin" "$root$home/config" "$root/srv/kafka"
version=$(sed -n 's|.*<kafka>\(.*\)</kafka>.*|\1|p' "$here/pom.xml")
say "downloading Kafka $version"
mvn -q -B -f "$here/pom.xml" --strict-checksums \
	org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
	-DincludeScope=runtime -DoutputDirectory="$work/libs" >"$work/log" 2>&1 ||
	die "download Kafka: Maven says why" "$work/log"

unpack sid openjdk-25-jre-headless
cd "$root/usr/lib/jvm/java-25-openjdk-"*
ln -s "${PWD#"$root"}/bin/java" "$root/usr/bin/java"
rm -f lib/server/classes_*.jsa # archives for heaps larger than any of ours
cd /

mv "$work/libs" "$root$home/libs"
cp "$here"/*.properties "$root$home/config"

# Java's options, for the broker and for the tools. An archive of classes works
# only with the very class path that it was made with, and the order that libs/*
# stands for differs between file systems: so the path is written out.
cat >"$root$home/java.args" <<END
-XX:+UseSerialGC
-XX:TieredStopAtLevel=1
-cp $(cd "$root" && printf ':/%s' opt/kafka/libs/*.jar | cut -c 2-)
END

# The tools that this Kafka's own distribution wraps in scripts of these names.
while read -r tool class; do
	cat >"$root$home/bin/$tool.sh" <<-END
		#!/bin/sh
		exec java @$home/java.args -Xmx256m -Dlog4j2.configurationFile=$home/config/tools-log4j2.properties $class "\$@"
	END
	chmod 755 "$root$home/bin/$tool.sh"
done <<END
kafka-broker-api-versions org.apache.kafka.tools.BrokerApiVersionsCommand
kafka-configs kafka.admin.ConfigCommand
kafka-console-consumer org.apache.kafka.tools.consumer.ConsoleConsumer
kafka-console-producer org.apache.kafka.tools.ConsoleProducer
kafka-consumer-groups org.apache.kafka.tools.consumer.group.ConsumerGroupCommand
kafka-consumer-perf-test org.apache.kafka.tools.ConsumerPerformance
kafka-delete-records org.apache.kafka.tools.DeleteRecordsCommand
kafka-dump-log org.apache.kafka.tools.DumpLogSegments
kafka-features org.apache.kafka.tools.FeatureCommand
kafka-get-offsets org.apache.kafka.tools.GetOffsetShell
kafka-groups org.apache.kafka.tools.GroupsCommand
kafka-leader-election org.apache.kafka.tools.LeaderElectionCommand
kafka-log-dirs org.apache.kafka.tools.LogDirsCommand
kafka-metadata-quorum org.apache.kafka.tools.MetadataQuorumCommand
kafka-producer-perf-test org.apache.kafka.tools.ProducerPerformance
kafka-reassign-partitions org.apache.kafka.tools.reassign.ReassignPartitionsCommand
kafka-replica-verification org.apache.kafka.tools.ReplicaVerificationTool
kafka-run-class
kafka-share-groups org.apache.kafka.tools.consumer.group.ShareGroupCommand
kafka-storage kafka.tools.StorageTool
kafka-topics org.apache.kafka.tools.TopicCommand
kafka-transactions org.apache.kafka.tools.TransactionsCommand
END

user appuser 1000
say "formatting the storage"
java="java @$home/java.args -Xmx512m"
inside $java kafka.tools.StorageTool format --cluster-id faultlabfaultlabfaultg \
	--config $home/config/server.properties >"$work/log" 2>&1 || die "format the storage: Kafka says why" "$work/log"

say "archiving the classes that a broker loads"
# It runs once, on a copy of its storage, and writes the archive when it ends.
inside sh -c "
	cp -a /srv/kafka /tmp/once
	$java -XX:AOTCacheOutput=$home/kafka.aot -Dlog4j2.configurationFile=$home/config/log4j2.properties \
		kafka.Kafka $home/config/server.properties --override log.dirs=/tmp/once >/tmp/log 2>&1 &
	until grep -q 'Kafka Server started' /tmp/log; do
		kill -0 \$! || exit
		sleep 0.1
	done
	kill \$!
	wait \$!" 2>/dev/null || : # Java's status is that of the signal
[ -s "$root$home/kafka.aot" ] || die "archive classes: Java says why" "$root/tmp/log"
rm -rf "$root"/tmp/*
echo "-XX:AOTCache=$home/kafka.aot" >>"$root$home/java.args"
chown -R 1000:1000 "$root/srv/kafka"

image "$version"
