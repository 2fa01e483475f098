// Package labs is the list of all labs.
package labs

import (
	"faultlab/internal/lab"
	clickhouseslow "faultlab/labs/clickhouse/slow-query"
	kafkalag "faultlab/labs/kafka/consumer-lag"
	kafkaskewed "faultlab/labs/kafka/skewed-keys"
	mysqldeep "faultlab/labs/mysql/deep-offset"
	mysqlcast "faultlab/labs/mysql/implicit-cast"
	mysqllongtrx "faultlab/labs/mysql/long-transaction"
	mysqloversell "faultlab/labs/mysql/oversell"
	mysqllag "faultlab/labs/mysql/replication-lag"
	mysqlslow "faultlab/labs/mysql/slow-query"
	mysqlstale "faultlab/labs/mysql/stale-read"
	mysqlunindexed "faultlab/labs/mysql/unindexed-update"
	redisblocking "faultlab/labs/redis/blocking-commands"
	redispenetration "faultlab/labs/redis/cache-penetration"
	redisstampede "faultlab/labs/redis/cache-stampede"
	redisresync "faultlab/labs/redis/full-resync"
	redisreshard "faultlab/labs/redis/resharding"
	redisskew "faultlab/labs/redis/skewed-keys"
	redisorders "faultlab/labs/redis/stream-orders"
)

// All lists the labs in the order in which they are taught.
var All = []*lab.Lab{
	mysqlslow.Lab,
	mysqlcast.Lab,
	mysqldeep.Lab,
	mysqloversell.Lab,
	mysqlunindexed.Lab,
	mysqllongtrx.Lab,
	mysqllag.Lab,
	mysqlstale.Lab,
	redispenetration.Lab,
	redisstampede.Lab,
	redisreshard.Lab,
	redisblocking.Lab,
	redisresync.Lab,
	redisorders.Lab,
	redisskew.Lab,
	clickhouseslow.Lab,
	kafkaskewed.Lab,
	kafkalag.Lab,
}
