package consumerlag

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"faultlab/internal/fix"
	"faultlab/internal/kafka"
	"faultlab/internal/lab"
)

//go:embed schema.sql
var schema string

const partitions = 6

// How long a writer may do nothing before it is taken to have done all it
// will: the brief asks for five seconds, and a slow machine gets as long as
// start/ took here for everything. Once it was found idle, it is not waited
// for that long again.
const (
	patience = 20 * time.Second
	hurry    = 5 * time.Second
)

// order is the body of a record.
type order struct {
	Number int64 `json:"order"`
	User   int64 `json:"user"`
	Cents  int64 `json:"cents"`
}

// service is the learner's writer between a topic and a database of its own.
type service struct {
	*run
	topic, group, database string

	program *fix.Program
	process *fix.Process
	front   *kafka.Front

	rnd      *rand.Rand
	truth    [partitions][]order // what was produced, by partition and offset
	produced int
	number   int64 // of the last order
	patience time.Duration
	ahead    int    // the most orders that were committed and not written
	aheadAt  string // one of them
	starts   int
	started  time.Time // the last of them
	commits  int64     // requests that the front had seen by then
	lock     *sql.Conn // the session that has the table locked; nil: none

	transactions, syncs int64 // counters when the service was opened
}

func (x *run) open(ctx context.Context, v lab.Variant) (*service, error) {
	x.hours++
	s, err := x.prepare(ctx, v, fmt.Sprintf("orders-%d", x.hours), fmt.Sprintf("writer-%d", x.hours), fmt.Sprintf("shop_%d", x.hours))
	if err != nil {
		return nil, err
	}
	if err := x.kafka.Create(ctx, kafka.Topic{Name: s.topic, Partitions: partitions}); err != nil {
		return nil, err
	}
	if err := x.mysql.NewDatabase(ctx, s.database, schema); err != nil {
		return nil, err
	}
	if s.transactions, s.syncs, err = s.count(ctx); err != nil {
		return nil, err
	}
	s.front, err = x.kafka.Front()
	return s, err
}

// prepare builds the writer.
func (x *run) prepare(ctx context.Context, v lab.Variant, topic, group, database string) (*service, error) {
	program, err := fix.Build(ctx, v, x.env.Scratch)
	return &service{
		run: x, program: program, topic: topic, group: group, database: database,
		rnd: rand.New(rand.NewPCG(x.env.Seed, 2)), number: 5_000_000_000, patience: max(patience, x.took),
	}, err
}

func (s *service) close() {
	if s.process != nil {
		s.process.Kill()
	}
	s.front.Close()
}

// start runs the writer behind the front.
func (s *service) start(ctx context.Context) error {
	s.started, s.commits = time.Now(), s.front.Seen(kafka.APIOffsetCommit)
	return s.launch(ctx, s.front.Addr())
}

func (s *service) launch(ctx context.Context, brokers string) error {
	s.starts++
	var err error
	s.process, err = s.program.Start(ctx, fix.Options{
		Log: filepath.Join(s.env.Scratch, fmt.Sprintf("%s-%d.log", s.group, s.starts)),
		Env: map[string]string{
			"LAB_KAFKA_BROKERS": brokers,
			"LAB_TOPIC":         s.topic,
			"LAB_GROUP":         s.group,
			"LAB_MYSQL_DSN":     s.mysql.DSNIn(writer, s.database),
		},
	})
	return err
}

// kill ends the writer as a dying machine does: its connections and its place
// in the group go with it.
func (s *service) kill(ctx context.Context) error {
	if s.process.Err() == nil {
		s.process.Kill()
	}
	if err := s.mysql.Drop(ctx, writer); err != nil {
		return err
	}
	return s.kafka.Evict(ctx, s.group)
}

// produce appends n orders.
func (s *service) produce(ctx context.Context, n int) error {
	s.produced += n
	return s.kafka.Write(ctx, s.topic, func(yield func(kafka.Record) bool) {
		for range n {
			o := order{
				Number: s.number + 1 + s.rnd.Int64N(20),
				User:   1 + s.rnd.Int64N(500),
				Cents:  100 + s.rnd.Int64N(90_000),
			}
			s.number = o.Number
			p := int(o.User) % partitions
			s.truth[p] = append(s.truth[p], o)
			body, err := json.Marshal(o)
			if err != nil {
				panic(err) // numbers always marshal
			}
			if !yield(kafka.Record{Partition: p, Key: fmt.Append(nil, o.User), Value: body}) {
				return
			}
		}
	})
}

// state is what can be seen of the service from outside.
type state struct {
	rows    int   // in the table
	lag     int64 // of the group
	members string
	waiting int // the writer's connections that wait for a lock
	held    int64
}

func (s *service) look(ctx context.Context) (now state, err error) {
	now.held = s.front.Held()
	lag, err := s.kafka.Lag(ctx, s.group, s.topic)
	if errors.Is(err, kafka.ErrNoTopic) {
		return now, lab.Blame("lost", fmt.Errorf("the topic was deleted: %w", err))
	}
	if err != nil {
		return now, err
	}
	for _, n := range lag {
		now.lag += n
	}
	g, err := s.kafka.Group(ctx, s.group)
	if err != nil {
		return now, err
	}
	now.members = fmt.Sprintf("%s %d", g.State, len(g.Members))
	err = s.mysql.Admin().QueryRowContext(ctx,
		"SELECT COUNT(*) FROM performance_schema.processlist WHERE USER = ? AND STATE LIKE 'Waiting for table%'", writer).Scan(&now.waiting)
	if err != nil {
		return now, fmt.Errorf("read process list: %w", err)
	}
	if err := s.table().QueryRowContext(ctx, "SELECT COUNT(*) FROM "+s.database+".orders").Scan(&now.rows); err != nil {
		return now, s.gone(err)
	}
	return now, nil
}

// until waits for what the writer must bring about. A writer that does nothing
// for too long has brought about all it will; what is missing then is read off
// at the end.
func (s *service) until(ctx context.Context, what string, good func(state) bool) error {
	var last state
	var ours error
	since := time.Now()
	err := s.process.Until(ctx, what, func(ctx context.Context) (string, bool, error) {
		var now state
		if now, ours = s.look(ctx); ours != nil {
			return "", true, nil //nolint:nilerr // ends the wait; returned below
		}
		if now != last {
			last, since = now, time.Now()
		}
		if good(now) {
			return "", true, nil
		}
		if time.Since(since) > s.patience {
			s.env.Log("the writer has done nothing for %s: %d rows, lag %d", s.patience, now.rows, now.lag)
			s.patience = hurry
			return "", true, nil
		}
		return fmt.Sprintf("%d of %d orders are in MySQL, the group's lag is %d", now.rows, s.produced, now.lag), false, nil
	})
	return errors.Join(ours, err)
}

// lockTable keeps everybody else off the writer's table until unlock, which
// may be called twice. A writer that keeps a transaction open for ever keeps
// us off; then nothing is locked.
func (s *service) lockTable(ctx context.Context) (unlock func() error, err error) {
	none := func() error { return nil }
	conn, err := s.mysql.Admin().Conn(ctx)
	if err != nil {
		return none, fmt.Errorf("connect: %w", err)
	}
	_, err = conn.ExecContext(ctx, fmt.Sprintf("SET SESSION lock_wait_timeout = %d", int(s.patience.Seconds())))
	if err == nil {
		_, err = conn.ExecContext(ctx, "LOCK TABLES "+s.database+".orders WRITE")
	}
	if err != nil {
		conn.Close()
		var refused *driver.MySQLError
		if errors.As(err, &refused) && refused.Number == 1205 { // lock wait timeout
			s.patience = hurry
			return none, nil
		}
		return none, s.gone(err)
	}
	s.lock = conn
	return func() error {
		if s.lock == nil {
			return nil
		}
		s.lock = nil
		_, err := conn.ExecContext(context.WithoutCancel(ctx), "UNLOCK TABLES")
		_, err2 := conn.ExecContext(context.WithoutCancel(ctx), "SET SESSION lock_wait_timeout = DEFAULT")
		return errors.Join(err, err2, conn.Close())
	}, nil
}

// querier is a pool or a connection.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// table is who can read the table now.
func (s *service) table() querier {
	if s.lock != nil {
		return s.lock
	}
	return s.mysql.Admin()
}

// gone blames the writer for a table that is not what it was.
func (s *service) gone(err error) error {
	var refused *driver.MySQLError
	if errors.As(err, &refused) {
		switch refused.Number {
		case 1049, 1054, 1146: // no such database, column, table
			return lab.Blame("lost", fmt.Errorf("the table is not what it was: %w", err))
		}
	}
	return err
}

// whole blames the writer for a table that no longer keeps what it was given.
func (s *service) whole(ctx context.Context) error {
	var engine string
	err := s.mysql.Admin().QueryRowContext(ctx,
		"SELECT COALESCE(ENGINE, 'none') FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = 'orders'", s.database).Scan(&engine)
	if err != nil {
		return fmt.Errorf("read the table's engine: %w", err)
	}
	if engine != "InnoDB" {
		return lab.Blame("lost", fmt.Errorf("the engine of the table is %s: when MySQL dies, orders are gone that Kafka calls done", engine))
	}
	return nil
}

// count reads what the writer's account has committed, and how often MySQL
// made its log durable.
func (s *service) count(ctx context.Context) (transactions, syncs int64, err error) {
	err = s.mysql.Admin().QueryRowContext(ctx, `SELECT COALESCE(SUM(COUNT_READ_WRITE), 0)
		FROM performance_schema.events_transactions_summary_by_user_by_event_name WHERE USER = ?`, writer).Scan(&transactions)
	if err != nil {
		return 0, 0, fmt.Errorf("count transactions: %w", err)
	}
	global, err := s.mysql.Global(ctx)
	return transactions, global["Innodb_os_log_fsyncs"], err
}
