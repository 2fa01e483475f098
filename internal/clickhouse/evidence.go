package clickhouse

import (
	"context"
	"fmt"
	"strings"
)

// evidence is what is asked, by file name.
var evidence = map[string]string{
	"processes": "SELECT query_id, user, elapsed, read_rows, memory_usage, query FROM system.processes ORDER BY elapsed DESC",
	"parts": `SELECT database, table, partition, name, level, rows, bytes_on_disk, marks, disk_name
		FROM system.parts WHERE active AND database != 'system' ORDER BY database, table, name`,
	"tables":    "SELECT database, name, total_rows, total_bytes, create_table_query FROM system.tables WHERE database NOT IN ('system', 'information_schema', 'INFORMATION_SCHEMA')",
	"merges":    "SELECT database, table, elapsed, progress, num_parts, result_part_name FROM system.merges",
	"mutations": "SELECT database, table, mutation_id, command, is_done, latest_fail_reason FROM system.mutations",
	"errors": `SELECT event_time, user, exception_code, exception, query FROM system.query_log
		WHERE exception_code != 0 ORDER BY event_time DESC LIMIT 50`,
	"queries": `SELECT event_time, user, query_duration_ms, read_rows, written_rows, memory_usage, query FROM system.query_log
		WHERE type = 'QueryFinish' ORDER BY event_time_microseconds DESC LIMIT 200`,
}

// Evidence returns what the server says about itself, by file name.
func (s *Server) Evidence(ctx context.Context) map[string]string {
	if s.Admin() == nil {
		return nil
	}
	files := map[string]string{}
	_ = s.flushLogs(ctx) // the logs lack the last second then
	for name, query := range evidence {
		text, err := s.ask(ctx, query)
		if err != nil {
			text = err.Error() + "\n"
		}
		files[name+".txt"] = "-- " + query + "\n\n" + text
	}
	return files
}

// ask returns the answer as one block a row, as the client's FORMAT Vertical does.
func (s *Server) ask(ctx context.Context, query string) (string, error) {
	rows, err := s.Admin().Query(ctx, "SELECT * APPLY toString FROM ("+query+")")
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var b strings.Builder
	values := make([]string, len(rows.Columns()))
	into := make([]any, len(values))
	for i := range values {
		into[i] = &values[i]
	}
	for n := 1; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "row %d\n", n)
		for i, name := range rows.Columns() {
			name = strings.TrimSuffix(strings.TrimPrefix(name, "toString("), ")")
			fmt.Fprintf(&b, "  %-18s %s\n", name, strings.ReplaceAll(values[i], "\n", "\n"+strings.Repeat(" ", 21)))
		}
	}
	return b.String(), rows.Err()
}
