// Package clickhouse starts ClickHouse servers, alone or as shards of a
// cluster, and reads what they say about queries, parts and tables. It knows
// nothing of labs.
//
// Two traps of the Go client are dealt with here, so that callers need not
// know them: a deadline of the context would set max_execution_time on the
// server, and rows that are not closed would drain the pool.
package clickhouse

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	clickhouse "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"faultlab/internal/rig"
)

// The accounts of a server.
const (
	Harness = "harness" // may do everything
	Learner = "learner" // may do what Config.Grants says
)

// The ports inside the container.
const (
	nativePort = 9000
	httpPort   = 8123
)

// Config is one server.
type Config struct {
	Name   string  // host name on the rig's network; empty: "clickhouse"
	Memory int64   // bytes of the container; 0: 2 GiB
	CPUs   float64 // 0: no limit

	// Settings are everybody's: the place to pin what newer servers turn on.
	Settings map[string]string
	// MergeTree are the defaults of all MergeTree tables.
	MergeTree map[string]string
	// Grants is what the learner may do beside reading the system tables:
	// "SELECT, INSERT ON shop.*".
	Grants []string
	// LearnerSettings hold for the learner's sessions only.
	LearnerSettings map[string]string
	// Policies are storage policies of local disks.
	Policies []Policy

	clusters []shards
}

// Policy is a storage policy: its volumes from the first one filled to the last.
type Policy struct {
	Name    string
	Volumes []Volume
	// MoveFactor is the share of free space below which parts move on to the
	// next volume; 0: the server's default of 0.1.
	MoveFactor float64
}

// Volume is one tier of a policy, on a disk of its own called like the volume.
type Volume struct {
	Name        string
	MaxPartSize int64 // bytes; larger parts go to the next volume; 0: no limit
}

// Server is one running ClickHouse.
type Server struct {
	cfg    Config
	node   *rig.Node
	secret func(name string) string // passwords
	log    func(format string, args ...any)

	mu    sync.Mutex
	admin driver.Conn
}

var _ rig.Server = (*Server)(nil)

// New adds a server to the rig.
func New(r *rig.Rig, c Config) *Server {
	if c.Name == "" {
		c.Name = "clickhouse"
	}
	if c.Memory == 0 {
		c.Memory = 2 << 30
	}
	s := &Server{cfg: c, secret: r.Secret, log: r.Env().Log}
	s.node = r.Add(s)
	return s
}

// Name is the server's host name on the rig's network.
func (s *Server) Name() string { return s.cfg.Name }

// Engine names its image.
func (s *Server) Engine() string { return "clickhouse" }

// Node is the container that it runs in, for faults.
func (s *Server) Node() *rig.Node { return s.node }

// Addr is where native clients reach it.
func (s *Server) Addr() string { return s.node.Addr(nativePort) }

// DSN is how a program connects as user: for LAB_CLICKHOUSE_DSN.
func (s *Server) DSN(user, database string) string {
	u := url.URL{
		Scheme: "clickhouse", Host: s.Addr(), Path: "/" + database,
		User: url.UserPassword(user, s.secret(user)),
	}
	return u.String()
}

// HTTP is the address of the server's HTTP interface.
func (s *Server) HTTP() string { return "http://" + s.node.Addr(httpPort) }

// Open makes a pool of at most conns connections as user. With one, SET and
// temporary tables last from one statement to the next.
func (s *Server) Open(user string, conns int) (driver.Conn, error) {
	db, err := clickhouse.Open(&clickhouse.Options{
		Addr:         []string{s.Addr()},
		Auth:         clickhouse.Auth{Username: user, Password: s.secret(user)},
		DialTimeout:  5 * time.Second,
		ReadTimeout:  30 * time.Minute, // cancelling is the context's business
		MaxOpenConns: conns,
		MaxIdleConns: conns,
	})
	if err != nil {
		return nil, fmt.Errorf("open %s as %s: %w", s.Name(), user, err)
	}
	return conn{db}, nil
}

// Admin is the harness's pool; nil before the server is ready.
func (s *Server) Admin() driver.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.admin
}

// Ready tries once whether the server answers as the harness's account.
func (s *Server) Ready(ctx context.Context, _ *rig.Node) error {
	if s.Admin() == nil {
		db, err := s.Open(Harness, 16)
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.admin = db
		s.mu.Unlock()
	}
	return s.Admin().Ping(ctx)
}

// Close closes the harness's pool.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.admin == nil {
		return nil
	}
	err := s.admin.Close()
	s.admin = nil
	return err
}

// conn hides the deadlines of contexts from the client, which would tell the
// server to end each query by then (max_execution_time) and so change the very
// settings that a lab measures under. Cancelling works as ever.
type conn struct{ driver.Conn }

type noDeadline struct{ context.Context }

func (noDeadline) Deadline() (time.Time, bool) { return time.Time{}, false }

func (c conn) Select(ctx context.Context, dest any, query string, args ...any) error {
	return c.Conn.Select(noDeadline{ctx}, dest, query, args...)
}

func (c conn) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	return c.Conn.Query(noDeadline{ctx}, query, args...)
}

func (c conn) QueryRow(ctx context.Context, query string, args ...any) driver.Row {
	return c.Conn.QueryRow(noDeadline{ctx}, query, args...)
}

func (c conn) PrepareBatch(ctx context.Context, query string, opts ...driver.PrepareBatchOption) (driver.Batch, error) {
	return c.Conn.PrepareBatch(noDeadline{ctx}, query, opts...)
}

func (c conn) Exec(ctx context.Context, query string, args ...any) error {
	return c.Conn.Exec(noDeadline{ctx}, query, args...)
}
