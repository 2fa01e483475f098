package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Evidence is what the server says about itself; what it does not answer is
// left out.
func (s *Server) Evidence(ctx context.Context) map[string]string {
	files := map[string]string{}
	for name, query := range map[string]string{
		"innodb-status.txt": "SHOW ENGINE INNODB STATUS",
		"processlist.txt":   "SELECT * FROM performance_schema.processlist",
		"locks.txt": `SELECT OBJECT_SCHEMA, OBJECT_NAME, LOCK_TYPE, LOCK_STATUS, PROCESSLIST_ID, PROCESSLIST_STATE
			FROM performance_schema.metadata_locks JOIN performance_schema.threads ON THREAD_ID = OWNER_THREAD_ID
			WHERE OBJECT_SCHEMA = '` + s.Database + `'`,
		"indexes.txt": `SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, IS_VISIBLE, GROUP_CONCAT(COALESCE(COLUMN_NAME, EXPRESSION) ORDER BY SEQ_IN_INDEX) AS COLUMNS_
			FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = '` + s.Database + `'
			GROUP BY TABLE_NAME, INDEX_NAME, NON_UNIQUE, IS_VISIBLE`,
	} {
		if text, err := dump(ctx, s.Admin(), query); err == nil {
			files[name] = text
		}
	}
	if s.Source != nil {
		if text, err := dump(ctx, s.Admin(), "SHOW REPLICA STATUS"); err == nil {
			files["replica-status.txt"] = text
		}
	}
	if all, err := s.Digests(ctx, s.Database, 20); err == nil {
		var b strings.Builder
		for _, d := range all {
			fmt.Fprintf(&b, "%d runs, %d rows examined, %d sent, %d sorted, %d without an index, %.3f s\n    %s\n",
				d.Count, d.Examined, d.Sent, d.Sort, d.NoIndex, d.Seconds, d.Text)
		}
		files["digests.txt"] = b.String()
	}
	return files
}

// dump writes a result as the mysql client does after \G.
func dump(ctx context.Context, q Querier, query string) (string, error) {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return "", err
	}
	values := make([]sql.NullString, len(names))
	into := make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	var b strings.Builder
	for n := 1; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "*** %d ***\n", n)
		for i, name := range names {
			fmt.Fprintf(&b, "%s: %s\n", name, values[i].String)
		}
	}
	return b.String(), rows.Err()
}
