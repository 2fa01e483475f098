package clickhouse

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	clickhouse "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"

	"faultlab/internal/measure"
)

// Cost is what the server's query_log says that one query took.
type Cost struct {
	ReadRows    uint64
	ReadBytes   uint64 // uncompressed
	ResultRows  uint64
	Memory      uint64 // bytes at its peak
	Parts       uint64 // parts that it read from
	Marks       uint64 // granules that the indexes left to read
	Duration    time.Duration
	Projections []string // those that it read from instead of the table
}

// Tag gives the context of one query an id, by which Costs finds it.
func Tag(ctx context.Context) (tagged context.Context, id string) {
	id = "lab-" + strings.ToLower(rand.Text())
	return clickhouse.Context(noDeadline{ctx}, clickhouse.WithQueryID(id)), id
}

// Costs reads what the finished queries took, in the order of ids.
func (s *Server) Costs(ctx context.Context, ids ...string) ([]Cost, error) {
	if err := s.flushLogs(ctx); err != nil {
		return nil, err
	}
	rows, err := s.Admin().Query(ctx, `
		SELECT query_id, read_rows, read_bytes, result_rows, memory_usage,
		       ProfileEvents['SelectedParts'], ProfileEvents['SelectedMarks'], query_duration_ms, projections
		FROM system.query_log WHERE type = 'QueryFinish' AND query_id IN (?)`, ids)
	if err != nil {
		return nil, fmt.Errorf("read query_log: %w", err)
	}
	defer rows.Close()
	found := map[string]Cost{}
	for rows.Next() {
		var id string
		var ms uint64
		var c Cost
		if err := rows.Scan(&id, &c.ReadRows, &c.ReadBytes, &c.ResultRows, &c.Memory, &c.Parts, &c.Marks, &ms, &c.Projections); err != nil {
			return nil, fmt.Errorf("read query_log: %w", err)
		}
		c.Duration = time.Duration(ms) * time.Millisecond
		found[id] = c
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read query_log: %w", err)
	}
	list := make([]Cost, len(ids))
	for i, id := range ids {
		c, ok := found[id]
		if !ok {
			return nil, fmt.Errorf("read query_log: query %s has not finished", id)
		}
		list[i] = c
	}
	return list, nil
}

func (s *Server) flushLogs(ctx context.Context) error {
	if err := s.Admin().Exec(ctx, "SYSTEM FLUSH LOGS"); err != nil {
		return fmt.Errorf("flush logs: %w", err)
	}
	return nil
}

// Index is one step by which a query's granules were narrowed down, as
// EXPLAIN indexes = 1 shows it.
type Index struct {
	Type      string   `json:"Type"` // "PrimaryKey", "Partition Min-Max", "Skip" …
	Name      string   `json:"Name"` // of a skip index
	Keys      []string `json:"Keys"`
	Condition string   `json:"Condition"`
	Parts     uint64   `json:"Selected Parts"`
	OfParts   uint64   `json:"Initial Parts"`
	Granules  uint64   `json:"Selected Granules"`
	Of        uint64   `json:"Initial Granules"`
}

// Indexes says how the indexes narrow a SELECT down, without running it, in
// the order in which they are used.
func (s *Server) Indexes(ctx context.Context, query string, args ...any) ([]Index, error) {
	var text string
	if err := s.Admin().QueryRow(ctx, "EXPLAIN json = 1, indexes = 1 "+query, args...).Scan(&text); err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	type plan struct {
		Indexes []Index
		Plans   []json.RawMessage
	}
	var list []Index
	var walk func(json.RawMessage) error
	walk = func(raw json.RawMessage) error {
		var p plan
		if err := json.Unmarshal(raw, &p); err != nil {
			return err
		}
		list = append(list, p.Indexes...)
		for _, kid := range p.Plans {
			if err := walk(kid); err != nil {
				return err
			}
		}
		return nil
	}
	var roots []struct{ Plan json.RawMessage }
	err := json.Unmarshal([]byte(text), &roots)
	for _, r := range roots {
		err = errors.Join(err, walk(r.Plan))
	}
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	return list, nil
}

// Part is an active part of a table.
type Part struct {
	Table, Name, Partition, Disk string
	Rows, Bytes, Marks           uint64
	Level                        uint32 // how many merges deep it is; 0: as inserted
}

// Parts lists the active parts of a database's tables.
func (s *Server) Parts(ctx context.Context, database string) ([]Part, error) {
	rows, err := s.Admin().Query(ctx, `
		SELECT table, name, partition, disk_name, rows, bytes_on_disk, marks, level
		FROM system.parts WHERE active AND database = ? ORDER BY table, name`, database)
	if err != nil {
		return nil, fmt.Errorf("read parts: %w", err)
	}
	defer rows.Close()
	var list []Part
	for rows.Next() {
		var p Part
		if err := rows.Scan(&p.Table, &p.Name, &p.Partition, &p.Disk, &p.Rows, &p.Bytes, &p.Marks, &p.Level); err != nil {
			return nil, fmt.Errorf("read parts: %w", err)
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// Events is what part_log says happened to the parts of a table, by event
// type: "NewPart", "MergeParts", "MutatePart", "RemovePart" …
type Events map[string]Event

// Event sums up the events of one type.
type Event struct{ Count, Rows, Bytes uint64 }

// PartLog sums up what happened to the parts of a table since the server started.
func (s *Server) PartLog(ctx context.Context, database, table string) (Events, error) {
	if err := s.flushLogs(ctx); err != nil {
		return nil, err
	}
	events := Events{}
	var exists uint8
	if err := s.Admin().QueryRow(ctx, "EXISTS TABLE system.part_log").Scan(&exists); err != nil || exists == 0 {
		return events, err // it is made when the first part is
	}
	rows, err := s.Admin().Query(ctx, `
		SELECT toString(event_type), count(), sum(rows), sum(size_in_bytes)
		FROM system.part_log WHERE database = ? AND table = ? AND error = 0 GROUP BY event_type`, database, table)
	if err != nil {
		return nil, fmt.Errorf("read part_log: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var e Event
		if err := rows.Scan(&name, &e.Count, &e.Rows, &e.Bytes); err != nil {
			return nil, fmt.Errorf("read part_log: %w", err)
		}
		events[name] = e
	}
	return events, rows.Err()
}

// Disk is how many bytes the tables of all databases but the system's take on
// disk, and what was detached from them. A table that was detached as a whole
// is attached again: the server doesn't weigh it otherwise.
func (s *Server) Disk(ctx context.Context) (uint64, error) {
	var atomic, detached []string
	err := s.Admin().QueryRow(ctx, "SELECT groupArray(name) FROM system.databases WHERE engine = 'Atomic' AND name NOT IN (?)", systemDatabases).Scan(&atomic)
	if err != nil {
		return 0, fmt.Errorf("read databases: %w", err)
	}
	err = s.Admin().QueryRow(ctx, `
		SELECT groupArray('ATTACH TABLE "' || database || '"."' || table || '"')
		FROM system.detached_tables WHERE database IN (?)`, atomic).Scan(&detached)
	if err != nil {
		return 0, fmt.Errorf("read detached tables: %w", err)
	}
	for _, attach := range detached {
		if err := s.Admin().Exec(ctx, attach); err != nil {
			return 0, fmt.Errorf("attach detached table: %w", err)
		}
	}
	var n uint64
	err = s.Admin().QueryRow(ctx, `
		SELECT (SELECT sum(ifNull(total_bytes, 0)) FROM system.tables WHERE database NOT IN (?)) +
		       (SELECT sum(ifNull(bytes_on_disk, 0)) FROM system.detached_parts WHERE database NOT IN (?))`,
		systemDatabases, systemDatabases).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("read size of tables: %w", err)
	}
	return n, nil
}

var systemDatabases = []string{"system", "information_schema", "INFORMATION_SCHEMA"}

// Digest is a table's content, whatever the order of its rows.
type Digest struct {
	Rows uint64
	// Sum of the rows' hashes. A sum, since an exclusive or would not see a row
	// that is there three times.
	Sum uint64
}

func (d Digest) String() string { return fmt.Sprintf("%d rows, %016x", d.Rows, d.Sum) }

// Digest reads the rows of a table that hold where, by the columns given.
func (s *Server) Digest(ctx context.Context, table string, columns []string, where string, args ...any) (Digest, error) {
	var d Digest
	query := fmt.Sprintf("SELECT count(), sum(cityHash64(%s)) FROM %s", strings.Join(columns, ", "), table)
	if where != "" {
		query += " WHERE " + where
	}
	if err := s.Admin().QueryRow(ctx, query, args...).Scan(&d.Rows, &d.Sum); err != nil {
		return d, fmt.Errorf("digest %s: %w", table, err)
	}
	return d, nil
}

// Merged waits until no merge runs in the database. More may come: the server
// decides when parts are worth it.
func (s *Server) Merged(ctx context.Context, database string) error {
	return measure.Until(ctx, "no merge runs in "+database, func(ctx context.Context) (string, bool, error) {
		var n, parts uint64
		err := s.Admin().QueryRow(ctx, "SELECT count(), sum(num_parts) FROM system.merges WHERE database = ?", database).Scan(&n, &parts)
		return fmt.Sprintf("%d merges of %d parts", n, parts), n == 0, err
	})
}

// Tidy waits until no merge runs in the database and the parts that merges
// left behind are off the disk: else a snapshot would hold all of them.
func (s *Server) Tidy(ctx context.Context, database string) error {
	return measure.Until(ctx, "no old parts are left in "+database, func(ctx context.Context) (string, bool, error) {
		var merges, old uint64
		err := s.Admin().QueryRow(ctx, `SELECT (SELECT count() FROM system.merges WHERE database = ?),
			(SELECT count() FROM system.parts WHERE database = ? AND NOT active)`, database, database).Scan(&merges, &old)
		return fmt.Sprintf("%d merges, %d old parts", merges, old), merges+old == 0, err
	})
}

// Mutated waits until every mutation in the database is done, also those that
// nobody waited for when they were issued (mutations_sync = 0).
func (s *Server) Mutated(ctx context.Context, database string) error {
	return measure.Until(ctx, "all mutations in "+database+" are done", func(ctx context.Context) (string, bool, error) {
		var n uint64
		var command, failed string
		err := s.Admin().QueryRow(ctx, `SELECT count(), any(command), any(latest_fail_reason)
			FROM system.mutations WHERE database = ? AND NOT is_done`, database).Scan(&n, &command, &failed)
		return fmt.Sprintf("%d to do; %s %s", n, command, failed), n == 0, err
	})
}

// Mismatch says whether in err the client found a column of a type that it
// can't read into, or write from, the value that it has.
func Mismatch(err error) bool {
	var read *clickhouse.OpError
	var write *proto.BlockError
	return errors.As(err, &read) && read.ColumnName != "" || errors.As(err, &write)
}

// Refusal returns the server's own error in err, nil if it is of another kind:
// a lost connection, an ended context.
func Refusal(err error) *clickhouse.Exception {
	var e *clickhouse.Exception
	if errors.As(err, &e) {
		return e
	}
	return nil
}
