package mysql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Engines names the storage engines of the schema's tables: "InnoDB" where all
// are of it, as a lab leaves them.
func (s *Server) Engines(ctx context.Context, schema string) (engines string, err error) {
	err = s.Admin().QueryRowContext(ctx,
		"SELECT COALESCE(GROUP_CONCAT(DISTINCT COALESCE(ENGINE, 'none') ORDER BY ENGINE), '') FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE = 'BASE TABLE'",
		schema).Scan(&engines)
	if err != nil {
		return "", fmt.Errorf("read the tables' engines: %w", err)
	}
	return engines, nil
}

// Size counts the indexes of the schema's tables, primary keys included, and
// the bytes of their files.
func (s *Server) Size(ctx context.Context, schema string) (indexes, bytes int64, err error) {
	err = s.Admin().QueryRowContext(ctx, `SELECT
		(SELECT COUNT(DISTINCT TABLE_NAME, INDEX_NAME) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ?),
		(SELECT COALESCE(SUM(FILE_SIZE), 0) FROM information_schema.INNODB_TABLESPACES WHERE NAME LIKE CONCAT(?, '/%'))`,
		schema, schema).Scan(&indexes, &bytes)
	if err != nil {
		return 0, 0, fmt.Errorf("measure schema %s: %w", schema, err)
	}
	return indexes, bytes, nil
}

// Schema describes the schema's tables with their engines, columns with their
// positions, indexes, triggers and events: one line each, sorted.
func (s *Server) Schema(ctx context.Context, schema string) (lines []string, err error) {
	rows, err := s.Admin().QueryContext(ctx, `
		SELECT CONCAT_WS(' ', 'table', TABLE_NAME, ENGINE, TABLE_COLLATION)
		FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?
		UNION ALL
		SELECT CONCAT_WS(' ', 'trigger', TRIGGER_NAME, ACTION_TIMING, EVENT_MANIPULATION, 'ON', EVENT_OBJECT_TABLE, ACTION_STATEMENT)
		FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ?
		UNION ALL
		SELECT CONCAT_WS(' ', 'event', EVENT_NAME, EVENT_DEFINITION)
		FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ?
		UNION ALL
		SELECT CONCAT_WS(' ', 'column', ORDINAL_POSITION, CONCAT(TABLE_NAME, '.', COLUMN_NAME), COLUMN_TYPE, IF(IS_NULLABLE = 'NO', 'NOT NULL', NULL), NULLIF(EXTRA, ''))
		FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ?
		UNION ALL
		SELECT CONCAT_WS(' ', IF(NON_UNIQUE, 'index', 'unique index'), CONCAT(TABLE_NAME, '.', INDEX_NAME),
		  CONCAT('(', GROUP_CONCAT(COALESCE(COLUMN_NAME, EXPRESSION) ORDER BY SEQ_IN_INDEX SEPARATOR ', '), ')'), IF(IS_VISIBLE = 'NO', 'INVISIBLE', NULL))
		FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? GROUP BY TABLE_NAME, INDEX_NAME, NON_UNIQUE, IS_VISIBLE`,
		schema, schema, schema, schema, schema)
	if err != nil {
		return nil, fmt.Errorf("read schema of %s: %w", s.Name(), err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, fmt.Errorf("read schema of %s: %w", s.Name(), err)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines, rows.Err()
}

// Indexes is the part of Schema that names the indexes, in one line.
func (s *Server) Indexes(ctx context.Context, schema string) (string, error) {
	lines, err := s.Schema(ctx, schema)
	if err != nil {
		return "", err
	}
	lines = slices.DeleteFunc(lines, func(l string) bool { return !strings.HasPrefix(l, "index ") && !strings.HasPrefix(l, "unique index ") })
	if len(lines) == 0 {
		return "no index", nil
	}
	return strings.Join(lines, "; "), nil
}

// Cents is an amount of money in a DECIMAL(n,2) column.
type Cents int64

// Value writes it as the server does: 12.05.
func (c Cents) Value() (driver.Value, error) {
	return fmt.Sprintf("%d.%02d", c/100, c%100), nil
}

// Scan reads it, whatever number of decimals the column has.
func (c *Cents) Scan(v any) error {
	text, ok := v.([]byte)
	if !ok {
		return fmt.Errorf("scan %T as an amount", v)
	}
	whole, part, _ := strings.Cut(string(text), ".")
	n, err := strconv.ParseInt(whole+(part + "00")[:2], 10, 64)
	if err != nil {
		return fmt.Errorf("scan amount: %w", err)
	}
	*c = Cents(n)
	return nil
}
