// Package mysql runs MySQL servers on a rig: single nodes, and sources with
// replicas. It hands out connections, applies scripts as the learner and reads
// what the servers count; it knows nothing of labs.
package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"faultlab/internal/rig"
)

// Accounts that every server has. A lab adds others by granting them something.
const (
	Admin   = "faultlab" // the harness: may do everything, from anywhere
	Learner = "learner"  // runs script fixes; may do what the lab grants
)

const (
	port = 3306
	repl = "repl" // what replicas log in as
)

// Config is what a lab wants of a server.
type Config struct {
	Name     string // host name on the rig's network; "mysql" if empty
	Database string // made at the start, the default of every connection; "shop" if empty
	// Grants says what each account may do, as GRANT says it between GRANT and
	// TO: {"learner": {"ALTER, INDEX ON shop.*"}}. Accounts are made as named.
	Grants map[string][]string
	Source *Server // makes the server its replica, read-only
	// Binlog has a server without replicas write a binary log: others don't,
	// which makes their seed quicker.
	Binlog     bool
	SemiSync   bool // of a source: commits wait until a replica has the transaction
	BufferPool int  // MiB; 256 if 0
	// Set adds settings, or replaces ours, named as in my.cnf with dashes. What
	// is not named is the server's default, durability included.
	Set map[string]string
}

// Server is one MySQL server.
type Server struct {
	Config
	rig      *rig.Rig
	node     *rig.Node
	id       int // server-id: 1 the source, 2… its replicas
	replicas int

	mu   sync.Mutex
	addr string
	dbs  map[string]*sql.DB
}

// New adds a server to the rig. It runs after Rig.Start.
func New(r *rig.Rig, c Config) *Server {
	if c.Name == "" {
		c.Name = "mysql"
	}
	if c.Database == "" {
		c.Database = "shop"
	}
	if c.BufferPool == 0 {
		c.BufferPool = 256
	}
	s := &Server{Config: c, rig: r, id: 1}
	if c.Source != nil {
		c.Source.replicas++
		s.id = 1 + c.Source.replicas
	}
	s.node = r.Add(s)
	return s
}

// Name is the server's host name on the rig's network.
func (s *Server) Name() string { return s.Config.Name }

// Engine names its image.
func (s *Server) Engine() string { return "mysql" }

// Node is its container, for faults.
func (s *Server) Node() *rig.Node { return s.node }

// uuid is the server's identity in GTIDs. It comes from the name: the image's
// data directory is the same for all servers of a rig, and two servers with
// one identity can't replicate.
func (s *Server) uuid() string {
	h := fnv.New64a()
	h.Write([]byte(s.Name()))
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", h.Sum64()>>32, s.id)
}

// password of an account. It is set at each start, so it is never part of a
// snapshot.
func (s *Server) password(account string) string {
	if account == repl && s.Source != nil {
		return s.Source.password(repl)
	}
	return s.rig.Secret(s.Name() + "/" + account)
}

// settings of a client connection of the account.
func (s *Server) client(account string) *driver.Config {
	c := driver.NewConfig()
	c.User, c.Passwd = account, s.password(account)
	c.Net, c.Addr, c.DBName = "tcp", s.addr, s.Database
	c.ParseTime = true
	// The server's own, as the mysql client has it: with the driver's, comparing a
	// column with a CAST(… AS CHAR) is an illegal mix.
	c.Collation = "utf8mb4_0900_ai_ci"
	return c
}

// DSN is where a program finds the server, in go-sql-driver's notation.
func (s *Server) DSN(account string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client(account).FormatDSN()
}

// DB is the pool of the account's connections. Don't keep it: a restart from a
// snapshot closes it and makes another.
func (s *Server) DB(account string) *sql.DB {
	s.mu.Lock()
	defer s.mu.Unlock()
	if db := s.dbs[account]; db != nil {
		return db
	}
	c := s.client(account)
	c.Timeout = 5 * time.Second
	// One round trip a statement, and the process list shows it with its values.
	c.InterpolateParams = true
	// What it would log comes back as an error, too.
	c.Logger = driver.Logger(silent{})
	connector, err := driver.NewConnector(c)
	if err != nil {
		panic(fmt.Sprintf("mysql: connect as %s: %v", account, err)) // only a constant of ours can be wrong
	}
	db := sql.OpenDB(connector)
	db.SetMaxIdleConns(8)
	if s.dbs == nil {
		s.dbs = map[string]*sql.DB{}
	}
	s.dbs[account] = db
	return db
}

type silent struct{}

func (silent) Print(...any) {}

// Admin is the harness's own pool.
func (s *Server) Admin() *sql.DB { return s.DB(Admin) }

// Ready tries once whether the server serves; a replica is then told to
// replicate. Replication survives a restart of either side.
func (s *Server) Ready(ctx context.Context, n *rig.Node) error {
	s.mu.Lock()
	if addr := n.Addr(port); addr != s.addr {
		s.addr = addr
		s.close()
	}
	s.mu.Unlock()
	if err := s.Admin().PingContext(ctx); err != nil {
		return fmt.Errorf("ping %s: %w", s.Name(), err)
	}
	if s.Source != nil {
		return s.replicate(ctx)
	}
	return nil
}

// Close closes all pools.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.close()
}

func (s *Server) close() (err error) {
	for _, db := range s.dbs {
		if e := db.Close(); e != nil {
			err = e
		}
	}
	s.dbs = nil
	return err
}

// Exec runs statements as the harness.
func (s *Server) Exec(ctx context.Context, statements ...string) error {
	conn, err := s.Admin().Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", s.Name(), err)
	}
	defer conn.Close()
	for _, text := range statements {
		if _, err := conn.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("run on %s: %w: %s", s.Name(), err, brief(text))
		}
	}
	return nil
}

// brief is a statement on one line, cut where it gets long.
func brief(text string) string {
	const most = 160
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + " …"
	}
	return text
}

// Refused says whether err is the server's answer to a statement, and not a
// connection that broke, nor the last word of a server that is being stopped: no
// account of a lab may do that.
func Refused(err error) bool {
	const shutdown = 1053
	var refused *driver.MySQLError
	return errors.As(err, &refused) && refused.Number != shutdown
}
