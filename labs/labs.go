// Package labs is the list of all labs.
package labs

import (
	"faultlab/internal/lab"
	clickhouseslow "faultlab/labs/clickhouse/slow-query"
	mysqlslow "faultlab/labs/mysql/slow-query"
)

// All lists the labs in the order in which they are taught.
var All = []*lab.Lab{
	mysqlslow.Lab,
	clickhouseslow.Lab,
}
