package replicationlag

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/mysql"
)

// What the batch and the service send. The fix can't change it.
const (
	apply = "UPDATE points p JOIN points_delta d ON d.account_id = p.account_id AND d.program = p.program" +
		" SET p.balance = p.balance + d.delta, p.updated_at = ? WHERE d.night = ? AND d.part = ?"
	read = "SELECT balance FROM points WHERE account_id = ? AND program = ?"
)

// Accounts on both servers.
const (
	app   = "app"
	batch = "batch"
)

// shop knows what every customer's points must be.
type shop struct {
	seed            uint64
	source, replica *mysql.Server

	truth  map[key]row
	keys   []key // of truth, in the order of the import
	deltas map[delta]bool
	night  int      // batches that have run
	schema []string // of the source before the fix
}

func (s *shop) know() {
	if s.truth == nil {
		s.truth, s.keys = imported(s.seed)
		s.deltas = map[delta]bool{}
	}
}

// batch runs one night's batch on the source, on a connection of its own as
// jobs have it.
func (s *shop) batch(ctx context.Context) ([]key, error) {
	s.know()
	s.night++
	r := rand.New(rand.NewPCG(s.seed, uint64(1000+s.night)))
	changed := make([]key, changes)
	for i, at := range r.Perm(len(s.keys))[:changes] {
		changed[i] = s.keys[at]
	}
	at := time.Date(2025, 11, s.night, 2, 0, 0, 0, time.UTC)

	db, err := sql.Open("mysql", s.source.DSN(batch))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	values := make([]string, changes)
	next := map[key]row{}
	deltas := map[delta]bool{}
	for i, k := range changed {
		d := delta{s.night, k, i % parts, 1 + r.IntN(500)}
		values[i] = fmt.Sprintf("(%d, %d, %d, %d, %d)", d.night, k.account, k.program, d.part, d.points)
		deltas[d] = true
		v := s.truth[k]
		next[k] = row{v.tier, v.balance + d.points, at.UnixMilli()}
	}
	_, err = db.ExecContext(ctx, "INSERT INTO points_delta (night, account_id, program, part, delta) VALUES "+strings.Join(values, ", "))
	if err != nil {
		return nil, fmt.Errorf("load deltas: %w", err)
	}
	maps.Copy(s.deltas, deltas)
	for part := range parts {
		if _, err := db.ExecContext(ctx, apply, at, s.night, part); err != nil {
			return nil, fmt.Errorf("apply deltas: %w", err)
		}
	}
	maps.Copy(s.truth, next)
	return changed, nil
}

// settle waits until the replica has all. A replica that stands still settles
// nothing; measure finds it.
func (s *shop) settle(ctx context.Context) error {
	var stopped *mysql.Stopped
	if err := s.replica.CatchUp(ctx); !errors.As(err, &stopped) {
		return err
	}
	return nil
}

// apply has the learner work as in the morning: last night's batch is on its
// way to the replica, which has received it and is at it.
func (s *shop) apply(ctx context.Context, v lab.Variant) error {
	if _, err := s.config(v); err != nil {
		return err
	}
	if _, err := s.batch(ctx); err != nil {
		return lab.Invalidf("run the batch before the fix: %v", err)
	}
	goal, err := s.source.Executed(ctx)
	if err != nil {
		return lab.Invalidf("run the batch before the fix: %v", err)
	}
	if err := s.replica.Received(ctx, goal); err != nil {
		return lab.Invalidf("run the batch before the fix: %v", err)
	}
	if s.schema, err = s.source.Schema(ctx, "shop"); err != nil {
		return err
	}
	if err := s.replica.Apply(ctx, v, "replica.sql"); err != nil {
		return err
	}
	return s.source.Apply(ctx, v, "source.sql")
}

func (s *shop) measure(ctx context.Context, v lab.Variant, r *lab.Readings) error {
	conf, err := s.config(v)
	if err != nil {
		return err
	}
	before, err := s.replica.Applier(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	changed, err := s.batch(ctx)
	if err != nil {
		return theirs("source-wrong", err)
	}
	onSource := time.Since(began)

	began = time.Now()
	if err := s.reads(ctx, conf, changed[:50], r); err != nil {
		return err
	}
	var stopped *mysql.Stopped
	switch err := s.replica.CatchUp(ctx); {
	case errors.As(err, &stopped):
		return lab.Blame("transactions-missing", err)
	case err != nil:
		return err
	}
	onReplica := time.Since(began)
	after, err := s.replica.Applier(ctx)
	if err != nil {
		return err
	}
	if names, err := s.replica.Indexes(ctx, "shop"); err == nil {
		r.Note("rows-per-change", "the indexes of the replica's tables are %s", names)
	}
	r.Set("rows-per-change", "rows read by the replica", float64(after.Since(before).Reads())/changes)
	r.Set("batch-on-source", "ms", float64(onSource.Milliseconds()))
	r.Set("behind-by", "ms after the batch", float64(onReplica.Milliseconds()))
	r.Set("alarm-after", "s", float64(conf.alarm))
	return nil
}

// reads asks for the points of accounts that the batch has just changed, where
// the service's configuration says, and counts on the servers where that was.
func (s *shop) reads(ctx context.Context, conf config, changed []key, r *lab.Readings) error {
	count := func() (source, replica int64, err error) {
		if source, err = s.source.Selects(ctx, app); err == nil {
			replica, err = s.replica.Selects(ctx, app)
		}
		return source, replica, err
	}
	source, replica, err := count()
	if err != nil {
		return err
	}
	from := map[string]*mysql.Server{"source": s.source, "replica": s.replica}[conf.from]
	stale := 0
	for _, k := range changed {
		var balance int
		err := from.DB(app).QueryRowContext(ctx, read, k.account, k.program).Scan(&balance)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return theirs("replica-wrong", fmt.Errorf("read points of account %d: %w", k.account, err))
		}
		if balance != s.truth[k].balance {
			stale++
		}
	}
	source2, replica2, err := count()
	if err != nil {
		return err
	}
	share := 100 * float64(replica2-replica) / float64(replica2-replica+source2-source)
	r.Set("stale-reads", fmt.Sprintf("of %d right after the batch", len(changed)), float64(stale))
	r.Set("replica-reads", "% of the service's reads", share)
	return nil
}

// config is what service.properties may say.
type config struct {
	from  string // server that points are read from
	alarm int    // seconds behind at which the alarm goes off
}

func (s *shop) config(v lab.Variant) (c config, err error) {
	set, err := fix.Properties(v.Files["service.properties"], "points.read-from", "replica.alarm-after-seconds")
	if err == nil {
		c.from = set["points.read-from"]
		c.alarm, err = strconv.Atoi(set["replica.alarm-after-seconds"])
	}
	if err == nil && c.from != "source" && c.from != "replica" {
		err = fmt.Errorf("points.read-from is %q, neither source nor replica", c.from)
	}
	if err != nil {
		return c, lab.Blame(lab.ApplyCheck, fmt.Errorf("service.properties: %w", err))
	}
	return c, nil
}

func (s *shop) fingerprint(ctx context.Context) (lab.Fingerprint, error) {
	for _, server := range []*mysql.Server{s.source, s.replica} {
		wrong, err := s.wrong(ctx, server)
		if err != nil {
			return nil, err
		}
		if wrong > 0 {
			return nil, fmt.Errorf("%d rows are wrong on %s after the seed", wrong, server.Name())
		}
	}
	return lab.Fingerprint{"points": fmt.Sprint(accounts * programs)}, nil
}

// wrong counts the rows of both tables that are missing, too many, or not what
// the batches made of them.
func (s *shop) wrong(ctx context.Context, server *mysql.Server) (n int, err error) {
	s.know()
	rows, err := server.Admin().QueryContext(ctx, `
		SELECT account_id, program, CRC32(CONCAT_WS('|', tier, balance, CAST(UNIX_TIMESTAMP(updated_at) * 1000 AS SIGNED), profile)) FROM points`)
	if err != nil {
		return 0, fmt.Errorf("read points on %s: %w", server.Name(), err)
	}
	defer rows.Close()
	seen := make(map[key]bool, len(s.truth))
	for rows.Next() {
		var k key
		var digest uint32
		if err := rows.Scan(&k.account, &k.program, &digest); err != nil {
			return 0, fmt.Errorf("read points on %s: %w", server.Name(), err)
		}
		v, known := s.truth[k]
		if !known || seen[k] || k.digest(v) != digest {
			n++
		}
		seen[k] = true
	}
	for k := range s.truth {
		if !seen[k] {
			n++
		}
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("read points on %s: %w", server.Name(), err)
	}
	deltas, err := s.wrongDeltas(ctx, server)
	return n + deltas, err
}

func (s *shop) wrongDeltas(ctx context.Context, server *mysql.Server) (n int, err error) {
	rows, err := server.Admin().QueryContext(ctx, "SELECT night, account_id, program, part, delta FROM points_delta")
	if err != nil {
		return 0, fmt.Errorf("read points_delta on %s: %w", server.Name(), err)
	}
	defer rows.Close()
	right := 0
	for rows.Next() {
		var d delta
		if err := rows.Scan(&d.night, &d.account, &d.program, &d.part, &d.points); err != nil {
			return 0, fmt.Errorf("read points_delta on %s: %w", server.Name(), err)
		}
		if s.deltas[d] {
			right++
		} else {
			n++
		}
	}
	return n + len(s.deltas) - right, rows.Err()
}

func (s *shop) audit(ctx context.Context, _ lab.Fingerprint, r *lab.Readings) error {
	for _, server := range []*mysql.Server{s.source, s.replica} {
		wrong, err := s.wrong(ctx, server)
		if err != nil {
			return theirs(server.Name()+"-wrong", err)
		}
		r.Set(server.Name()+"-wrong", fmt.Sprintf("of %d rows", len(s.truth)+len(s.deltas)), float64(wrong))
	}
	missing, extra, err := s.replica.Missing(ctx)
	if err != nil {
		return err
	}
	r.Set("transactions-missing", "on the replica", float64(missing))
	r.Set("transactions-extra", "on the replica", float64(extra))

	drift, err := s.drift(ctx)
	if err != nil {
		return err
	}
	r.Note("schema-drift", "%s", some(drift))
	r.Set("schema-drift", "differences", float64(len(drift)))

	loose, err := s.loose(ctx)
	if err != nil {
		return err
	}
	r.Note("settings-loosened", "%s", some(loose))
	r.Set("settings-loosened", "settings", float64(len(loose)))
	return nil
}

// some are the first of the lines.
func some(lines []string) string {
	if len(lines) > 3 {
		lines = append(lines[:3:3], "…")
	}
	return strings.Join(lines, "; ")
}

// drift lists what of the schema only one of the servers has, and the columns
// that are not as they were before the fix.
func (s *shop) drift(ctx context.Context) (lines []string, err error) {
	a, err := s.source.Schema(ctx, "shop")
	if err != nil {
		return nil, err
	}
	b, err := s.replica.Schema(ctx, "shop")
	if err != nil {
		return nil, err
	}
	for _, line := range a {
		if !slices.Contains(b, line) {
			lines = append(lines, "only the source has "+line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			lines = append(lines, "only the replica has "+line)
		}
	}
	now := columns(a)
	for _, line := range columns(s.schema) {
		if !slices.Contains(now, line) {
			lines = append(lines, "gone or changed: "+line)
		}
	}
	return lines, nil
}

// columns picks a schema's columns, without their positions: a new one may
// come first.
func columns(schema []string) (lines []string) {
	for _, line := range schema {
		if rest, ok := strings.CutPrefix(line, "column "); ok {
			_, rest, _ = strings.Cut(rest, " ")
			lines = append(lines, rest)
		}
	}
	return lines
}

// loose lists what is weaker than at the start: settings as they are and as
// the next start will have them, how the replica follows its source, and
// tables of an engine that a crash can break.
func (s *shop) loose(ctx context.Context) (lines []string, err error) {
	const settings = `
		SELECT VARIABLE_NAME, VARIABLE_VALUE, '' FROM performance_schema.global_variables
		UNION ALL
		SELECT VARIABLE_NAME, VARIABLE_VALUE, ' after a restart' FROM performance_schema.persisted_variables
		UNION ALL
		SELECT 'SOURCE_AUTO_POSITION', AUTO_POSITION, '' FROM performance_schema.replication_connection_configuration
		UNION ALL
		SELECT 'SOURCE_DELAY', DESIRED_DELAY, '' FROM performance_schema.replication_applier_configuration
		UNION ALL
		SELECT FILTER_NAME, FILTER_RULE, '' FROM performance_schema.replication_applier_filters
		UNION ALL
		SELECT CONCAT('engine of ', TABLE_NAME), ENGINE, '' FROM information_schema.TABLES
		WHERE TABLE_SCHEMA = 'shop' AND TABLE_TYPE = 'BASE TABLE'`
	for _, server := range []*mysql.Server{s.source, s.replica} {
		rows, err := server.Admin().QueryContext(ctx, settings)
		if err != nil {
			return nil, fmt.Errorf("read settings of %s: %w", server.Name(), err)
		}
		defer rows.Close()
		for rows.Next() {
			var name, value, when string
			if err := rows.Scan(&name, &value, &when); err != nil {
				return nil, fmt.Errorf("read settings of %s: %w", server.Name(), err)
			}
			want, bound := safe[name]
			switch {
			case server == s.source && name == "super_read_only":
				continue
			case strings.HasPrefix(name, "engine of "):
				want, bound = "InnoDB", true
			case strings.HasPrefix(name, "REPLICATE_"):
				want, bound = "", true
			}
			if bound && value != want {
				lines = append(lines, fmt.Sprintf("%s = %s on the %s%s", name, value, server.Name(), when))
			}
		}
		if err := rows.Err(); err != nil {
			return nil, fmt.Errorf("read settings of %s: %w", server.Name(), err)
		}
	}
	slices.Sort(lines)
	return lines, nil
}

// safe is how the settings were that a fix may not weaken.
var safe = map[string]string{
	"innodb_flush_log_at_trx_commit": "1",
	"sync_binlog":                    "1",
	"innodb_doublewrite":             "ON",
	"super_read_only":                "ON",
	"replica_exec_mode":              "STRICT",
	"SOURCE_AUTO_POSITION":           "1",
	"SOURCE_DELAY":                   "0",
}

// theirs blames what a server refuses after the fix on the fix.
func theirs(check string, err error) error {
	if mysql.Refused(err) {
		return lab.Blame(check, err)
	}
	return err
}
