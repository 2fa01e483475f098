package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Plan says in one line how the server would run a query: type, key and
// Extra of each row of EXPLAIN.
func Plan(ctx context.Context, q Querier, query string, args ...any) (string, error) {
	rows, err := q.QueryContext(ctx, "EXPLAIN FORMAT=TRADITIONAL "+query, args...)
	if err != nil {
		return "", fmt.Errorf("explain: %w", err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return "", fmt.Errorf("explain: %w", err)
	}
	var lines []string
	for rows.Next() {
		values := make([]sql.NullString, len(names))
		into := make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return "", fmt.Errorf("explain: %w", err)
		}
		var facts []string
		for i, name := range names {
			switch name {
			case "type", "key", "Extra":
				if !values[i].Valid {
					values[i].String = "NULL"
				}
				facts = append(facts, name+": "+values[i].String)
			}
		}
		lines = append(lines, strings.Join(facts, ", "))
	}
	return strings.Join(lines, " | "), rows.Err()
}
