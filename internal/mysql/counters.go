package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Status is what a server counts, by name: Handler_read_next, Sort_rows.
type Status map[string]int64

// Since is what was counted after before was taken.
func (s Status) Since(before Status) Status {
	d := Status{}
	for name, v := range s {
		d[name] = v - before[name]
	}
	return d
}

// Reads is how often a row was asked for: the sum of all Handler_read_*. A
// row by its key costs 1, a range of n rows n + 1, a scan of a whole table n + 3.
func (s Status) Reads() (n int64) {
	for name, v := range s {
		if strings.HasPrefix(name, "Handler_read_") {
			n += v
		}
	}
	return n
}

// Querier is a pool or one connection.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Session reads what the connection has counted so far. Reading adds nothing
// to the handler and sort counters.
func Session(ctx context.Context, conn *sql.Conn) (Status, error) {
	return status(ctx, conn, "SHOW SESSION STATUS")
}

// Global reads what the whole server has counted so far.
func (s *Server) Global(ctx context.Context) (Status, error) {
	return status(ctx, s.Admin(), "SHOW GLOBAL STATUS")
}

// Cost runs f, which sends statements over conn, and returns what they cost.
func Cost(ctx context.Context, conn *sql.Conn, f func(context.Context) error) (Status, error) {
	before, err := Session(ctx, conn)
	if err != nil {
		return nil, err
	}
	if err := f(ctx); err != nil {
		return nil, err
	}
	after, err := Session(ctx, conn)
	if err != nil {
		return nil, err
	}
	return after.Since(before), nil
}

// status reads pairs of name and value; values that are no numbers are left out.
func status(ctx context.Context, q Querier, query string, args ...any) (Status, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read status: %w", err)
	}
	defer rows.Close()
	st := Status{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, fmt.Errorf("read status: %w", err)
		}
		if v, err := strconv.ParseInt(text, 10, 64); err == nil {
			st[name] = v
		}
	}
	return st, rows.Err()
}

// Digest is what performance_schema knows of all statements of one shape.
type Digest struct {
	Text                        string
	Count, Examined, Sent, Sort int64
	NoIndex                     int64 // executions that used no index
	Seconds                     float64
}

// Digests lists the statements that read most rows of the schema's tables, at most n.
func (s *Server) Digests(ctx context.Context, schema string, n int) ([]Digest, error) {
	rows, err := s.Admin().QueryContext(ctx, `
		SELECT DIGEST_TEXT, COUNT_STAR, SUM_ROWS_EXAMINED, SUM_ROWS_SENT, SUM_SORT_ROWS,
		       SUM_NO_INDEX_USED, SUM_TIMER_WAIT / 1e12
		FROM performance_schema.events_statements_summary_by_digest
		WHERE SCHEMA_NAME = ? AND DIGEST_TEXT IS NOT NULL
		ORDER BY SUM_ROWS_EXAMINED DESC LIMIT ?`, schema, n)
	if err != nil {
		return nil, fmt.Errorf("read digests of %s: %w", s.Name(), err)
	}
	defer rows.Close()
	var all []Digest
	for rows.Next() {
		var d Digest
		if err := rows.Scan(&d.Text, &d.Count, &d.Examined, &d.Sent, &d.Sort, &d.NoIndex, &d.Seconds); err != nil {
			return nil, fmt.Errorf("read digests of %s: %w", s.Name(), err)
		}
		all = append(all, d)
	}
	return all, rows.Err()
}

// Selects counts the SELECT statements that the account has sent. The server
// counts one just after it has answered it.
func (s *Server) Selects(ctx context.Context, account string) (n int64, err error) {
	err = s.Admin().QueryRowContext(ctx, `
		SELECT COALESCE(SUM(COUNT_STAR), 0) FROM performance_schema.events_statements_summary_by_user_by_event_name
		WHERE USER = ? AND EVENT_NAME = 'statement/sql/select'`, account).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count selects on %s: %w", s.Name(), err)
	}
	return n, nil
}

// Statements counts what the accounts have sent to be run, prepared or not,
// whatever it was. The server counts a statement just after it has answered it.
func (s *Server) Statements(ctx context.Context, accounts ...string) (n int64, err error) {
	for _, account := range accounts {
		var of int64
		err := s.Admin().QueryRowContext(ctx, `
			SELECT COALESCE(SUM(COUNT_STAR), 0) FROM performance_schema.events_statements_summary_by_user_by_event_name
			WHERE USER = ? AND (EVENT_NAME LIKE 'statement/sql/%' OR EVENT_NAME = 'statement/com/Execute')`, account).Scan(&of)
		if err != nil {
			return 0, fmt.Errorf("count statements of %s on %s: %w", account, s.Name(), err)
		}
		n += of
	}
	return n, nil
}

// Account reads what all sessions of an account have counted so far, those that
// have ended included: a program's can't be asked one by one. Rows that a statement
// examined, as the slow log has them, would not do: those that an OFFSET within
// a derived table passes over are not among them.
func (s *Server) Account(ctx context.Context, account string) (Status, error) {
	return status(ctx, s.Admin(), "SELECT VARIABLE_NAME, VARIABLE_VALUE FROM performance_schema.status_by_user WHERE USER = ?", account)
}

// LastStatement is the last statement of the account's open sessions that
// examined rows, as it was prepared or sent, and how many it examined.
func (s *Server) LastStatement(ctx context.Context, account string) (text string, rows int64, err error) {
	err = s.Admin().QueryRowContext(ctx, `
		SELECT COALESCE(SQL_TEXT, ''), ROWS_EXAMINED FROM performance_schema.events_statements_history
		JOIN performance_schema.threads USING (THREAD_ID)
		WHERE PROCESSLIST_USER = ? AND ROWS_EXAMINED > 0 ORDER BY TIMER_END DESC LIMIT 1`, account).Scan(&text, &rows)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", 0, fmt.Errorf("look at the statements of %s on %s: %w", account, s.Name(), err)
	}
	return brief(text), rows, nil
}
