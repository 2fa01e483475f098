// Package redis runs Redis in a rig: one node, a primary with replicas, or a
// cluster. It gives clients, and the counters that labs decide by.
package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"faultlab/docker"
	"faultlab/internal/measure"
	"faultlab/internal/rig"
)

// Admin is the account of the harness; Learner is the one that a fix uses.
const (
	Admin   = "harness"
	Learner = "learner"
)

// Port is where a server listens inside its container. In a cluster it stands
// for the port that is published, which is the same inside and outside.
const Port = 6379

// Config is what a lab chooses of a server. The zero value is one server
// called "redis" with Redis's own defaults, that saves only when it is stopped.
type Config struct {
	Name string // host name on the rig's network; default "redis"
	// Settings are further lines of redis.conf. A later line wins, so they
	// override what this package writes.
	Settings []string
	// Rights are the learner's ACL rules; default LearnerRights.
	Rights string
	Memory int64   // bytes that the container may use; 0: no limit
	CPUs   float64 // 0: no limit
}

// LearnerRights let a fix read and write all keys and look at the server, but
// not configure it, empty it or move its slots.
const LearnerRights = "~* &* +@all -@admin -@dangerous +info +keys +sort +client|list +slowlog|get +slowlog|len +latency|latest +latency|history +config|get"

// Server is one Redis server.
type Server struct {
	cfg      Config
	rig      *rig.Rig
	node     *rig.Node
	primary  *Server  // of a replica, not in a cluster
	cluster  *Cluster // it is a member of, or nil
	password func(name string) string

	client *goredis.Client
	run    string // run_id of the server that own belongs to
	own    meter
}

var _ rig.Server = (*Server)(nil)

// New adds a server of its own to the rig.
func New(r *rig.Rig, c Config) *Server { return add(r, c, nil, nil) }

// NewReplica adds a server that follows primary.
func NewReplica(r *rig.Rig, primary *Server, c Config) *Server {
	if c.Name == "" {
		c.Name = "replica"
	}
	s := add(r, c, primary, nil)
	r.Join(func(ctx context.Context, _ bool) error { return s.CaughtUp(ctx, primary) })
	return s
}

func add(r *rig.Rig, c Config, primary *Server, cluster *Cluster) *Server {
	if c.Name == "" {
		c.Name = "redis"
	}
	if c.Rights == "" {
		c.Rights = LearnerRights
	}
	s := &Server{cfg: c, rig: r, primary: primary, cluster: cluster, password: r.Secret}
	s.node = r.Add(s)
	return s
}

// Name is the server's host name on the rig's network.
func (s *Server) Name() string { return s.cfg.Name }

// Engine is its name in the image table.
func (s *Server) Engine() string { return "redis" }

// Node is its container, for faults.
func (s *Server) Node() *rig.Node { return s.node }

// Addr is where clients on this machine reach it.
func (s *Server) Addr() string { return s.node.Addr(Port) }

// Proxy stands before the server, until the rig is stopped.
func (s *Server) Proxy(ctx context.Context) (*rig.Proxy, error) { return s.rig.Proxy(ctx, s.Addr()) }

// Env is how a program finds the server, through a proxy if there is one.
func (s *Server) Env(way *rig.Proxy) map[string]string {
	addr := s.Addr()
	if way != nil {
		addr = way.Addr()
	}
	return map[string]string{
		"LAB_REDIS_ADDR":     addr,
		"LAB_REDIS_USER":     Learner,
		"LAB_REDIS_PASSWORD": s.Password(Learner),
	}
}

// Client is the harness's own client. Its commands are left out of Counters.
func (s *Server) Client() *goredis.Client { return s.client }

// Password of an account, Admin or Learner.
func (s *Server) Password(user string) string { return s.password("redis-" + user) }

// Spec starts redis-server with an explicit configuration, on both kinds of
// image alike. Its data is in /srv/redis, which no image
// declares as a volume, so that it is part of a snapshot.
func (s *Server) Spec(_ docker.Image, at func(int) int) rig.Spec {
	port := Port
	if s.cluster != nil {
		port = at(Port)
	}
	return rig.Spec{
		Cmd:    []string{"redis-server", "/srv/redis/redis.conf"},
		User:   "0", // the data belongs to nobody in particular
		Files:  []rig.File{{Path: "/srv/redis/redis.conf", Text: s.conf(port)}},
		Ports:  []int{Port},
		Same:   s.cluster != nil,
		Memory: s.cfg.Memory,
		CPUs:   s.cfg.CPUs,
	}
}

// Ready says that the server has loaded its data. Whether a cluster is whole
// again after one of its servers was down, Cluster.Whole tells.
func (s *Server) Ready(ctx context.Context, _ *rig.Node) error {
	c := s.dial()
	run, err := greet(ctx, c)
	if err != nil || run == s.run {
		_ = c.Close() // it was only asked
		return err
	}
	// Another process serves: the connections to the last one are dead, and it
	// counts from 0.
	_ = s.Close()
	s.client, s.run = c, run
	s.own.reset()
	if s.cluster == nil {
		return nil
	}
	// Clients are sent to the published port, whoever they are; the nodes find
	// each other by their addresses.
	host, _ := hostPort(s.Addr())
	if err := s.set(ctx, "cluster-announce-hostname", host); err != nil || !s.cluster.formed {
		return err
	}
	return s.set(ctx, "cluster-node-timeout", s.cluster.timeout.Milliseconds())
}

// greet returns the run id of a server that has loaded its data.
func greet(ctx context.Context, c *goredis.Client) (string, error) {
	if err := c.Ping(ctx).Err(); err != nil {
		return "", fmt.Errorf("ping: %w", err)
	}
	reply, err := c.Info(ctx, "server").Result()
	if err != nil {
		return "", fmt.Errorf("info: %w", err)
	}
	return parseInfo(reply)["run_id"], nil
}

// set changes a setting of the running server.
func (s *Server) set(ctx context.Context, name string, value any) error {
	if err := s.client.Do(ctx, "CONFIG", "SET", name, value).Err(); err != nil {
		return fmt.Errorf("config set %s of %s: %w", name, s.Name(), err)
	}
	return nil
}

// CaughtUp returns when a replica has all that its primary had when it was
// called. Who is told to follow nobody never has: a *Detached.
func (s *Server) CaughtUp(ctx context.Context, primary *Server) error {
	want, err := primary.Info(ctx, "replication")
	if err != nil {
		return err
	}
	var gone *Detached
	err = measure.Until(ctx, s.Name()+" has caught up with "+primary.Name(), func(ctx context.Context) (string, bool, error) {
		got, err := s.Info(ctx, "replication")
		if err != nil {
			return "", false, err
		}
		if got["role"] == "master" {
			gone = &Detached{s.Name()}
			return "", true, nil
		}
		state := fmt.Sprintf("link %s, offset %s of %s", got["master_link_status"], got["slave_repl_offset"], want["master_repl_offset"])
		return state, got["master_link_status"] == "up" && got.Int("slave_repl_offset") >= want.Int("master_repl_offset"), nil
	})
	if err == nil && gone != nil {
		return gone
	}
	return err
}

// Detached is a server that should follow another and is a primary itself.
type Detached struct{ Name string }

func (e *Detached) Error() string {
	return e.Name + " follows nobody: INFO replication says role:master"
}

// Close closes the harness's clients.
func (s *Server) Close() error {
	var errs []error
	if s.client != nil {
		errs = append(errs, s.client.Close())
		s.client, s.run = nil, ""
	}
	if c := s.cluster; c != nil {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}

// Evidence is what the server says about itself.
func (s *Server) Evidence(ctx context.Context) map[string]string {
	if s.client == nil {
		return nil
	}
	ask := map[string][]any{
		"info.txt":    {"INFO", "everything"},
		"slowlog.txt": {"SLOWLOG", "GET", 128},
		"clients.txt": {"CLIENT", "LIST"},
	}
	if s.cluster != nil {
		ask["cluster.txt"] = []any{"CLUSTER", "NODES"}
	}
	got := map[string]string{}
	for file, cmd := range ask {
		v, err := s.client.Do(ctx, cmd...).Result()
		if err != nil {
			v = err.Error()
		}
		got[file] = text(v, "")
	}
	return got
}

// text writes a reply as redis-cli would, roughly.
func text(v any, indent string) string {
	switch v := v.(type) {
	case []any:
		var b strings.Builder
		for i, x := range v {
			fmt.Fprintf(&b, "%s%d) %s\n", indent, i+1, strings.TrimSpace(text(x, indent+"   ")))
		}
		return b.String()
	case map[any]any:
		var b strings.Builder
		for k, x := range v {
			fmt.Fprintf(&b, "%s%v: %s\n", indent, k, strings.TrimSpace(text(x, indent+"   ")))
		}
		return b.String()
	}
	return fmt.Sprint(v)
}

const patience = time.Minute

// options are those of a client of the server that logs in as user.
func (s *Server) options(user string) *goredis.Options {
	return &goredis.Options{
		Addr: s.Addr(), Username: user, Password: s.Password(user),
		MaxRetries: -1, // a fault that is measured must be seen
		// A busy machine is not a broken server; the caller's context ends what hangs.
		ReadTimeout: patience, WriteTimeout: patience, ContextTimeoutEnabled: true,
		// Else each connection asks for notifications that only Redis Enterprise sends.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// dial makes a client of the harness.
func (s *Server) dial() *goredis.Client {
	o := s.options(Admin)
	o.ClientName, o.Dialer = Admin, s.own.dial
	c := goredis.NewClient(o)
	c.AddHook(&s.own)
	return c
}

// Info is the reply of INFO, by field.
type Info map[string]string

// Info asks the server for sections of INFO, all of them if none is named.
func (s *Server) Info(ctx context.Context, sections ...string) (Info, error) {
	reply, err := s.client.Info(ctx, sections...).Result()
	if err != nil {
		return nil, fmt.Errorf("info of %s: %w", s.Name(), err)
	}
	return parseInfo(reply), nil
}

func parseInfo(reply string) Info {
	in := Info{}
	for line := range strings.Lines(reply) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			in[k] = v
		}
	}
	return in
}

// Int is a field as a number; 0 if it is none.
func (in Info) Int(field string) int64 {
	n, _ := strconv.ParseInt(in[field], 10, 64)
	return n
}

func hostPort(addr string) (string, int) {
	h, p, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(p)
	return h, n
}
