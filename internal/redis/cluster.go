package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"faultlab/internal/measure"
	"faultlab/internal/rig"
)

// Slots is how many hash slots a cluster has.
const Slots = 16384

const busPort = 16379

// A master that was alone waits for cluster-node-timeout before it serves
// again, which is 5 s or more of every start. So the servers start with a
// short one and get the usual one when all know each other.
const (
	formingTimeout = 500 * time.Millisecond
	nodeTimeout    = 15 * time.Second // Redis's default
)

// ClusterConfig is what a lab chooses of a cluster.
type ClusterConfig struct {
	Config                    // of each server; Name is the prefix: "redis" makes redis-1, redis-2, …
	Primaries   int           // default 3
	Replicas    int           // of each primary
	NodeTimeout time.Duration // when a silent node counts as dead; default 15 s
}

// Cluster is a Redis Cluster whose nodes share the slots evenly: the first
// primary has the lowest. Servers are in the order primaries, replicas.
type Cluster struct {
	Servers   []*Server
	primaries int
	timeout   time.Duration

	mu     sync.Mutex
	client *goredis.ClusterClient
	formed bool
}

// NewCluster adds a cluster to the rig.
func NewCluster(r *rig.Rig, c ClusterConfig) *Cluster {
	if c.Primaries == 0 {
		c.Primaries = 3
	}
	if c.NodeTimeout == 0 {
		c.NodeTimeout = nodeTimeout
	}
	if c.Name == "" {
		c.Name = "redis"
	}
	cl := &Cluster{primaries: c.Primaries, timeout: c.NodeTimeout}
	for i := range c.Primaries * (1 + c.Replicas) {
		one := c.Config
		one.Name = fmt.Sprintf("%s-%d", c.Name, i+1)
		cl.Servers = append(cl.Servers, add(r, one, nil, cl))
	}
	r.Join(cl.join)
	return cl
}

// Primaries are the servers that were made primaries. After a failover another
// may be: ask CLUSTER NODES then.
func (c *Cluster) Primaries() []*Server { return c.Servers[:c.primaries] }

// Addrs are where clients on this machine find the cluster.
func (c *Cluster) Addrs() []string {
	var a []string
	for _, s := range c.Servers {
		a = append(a, s.Addr())
	}
	return a
}

// Client is the harness's own client of the whole cluster. Its commands are
// left out of Counters.
func (c *Cluster) Client() *goredis.ClusterClient {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client == nil {
		c.client = goredis.NewClusterClient(&goredis.ClusterOptions{
			Addrs: c.Addrs(), Username: Admin, Password: c.Servers[0].Password(Admin), ClientName: Admin,
			ReadTimeout: patience, WriteTimeout: patience, ContextTimeoutEnabled: true,
			NewClient: func(o *goredis.Options) *goredis.Client {
				o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
				s := c.at(o.Addr)
				if s == nil {
					return goredis.NewClient(o)
				}
				o.Dialer = s.own.dial
				n := goredis.NewClient(o)
				n.AddHook(&s.own)
				return n
			},
		})
	}
	return c.client
}

// at is the server that clients reach at addr; nil if there is none.
func (c *Cluster) at(addr string) *Server {
	for _, s := range c.Servers {
		if s.Addr() == addr {
			return s
		}
	}
	return nil
}

func (c *Cluster) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client == nil {
		return nil
	}
	err := c.client.Close()
	c.client = nil
	return err
}

// join makes one cluster of servers that all run: of new ones, or of ones from
// a snapshot, which have other addresses than when they last met.
func (c *Cluster) join(ctx context.Context, fresh bool) error {
	if fresh {
		if err := c.found(ctx); err != nil {
			return err
		}
	}
	if err := c.Whole(ctx); err != nil {
		return err
	}
	for _, s := range c.Servers {
		if err := s.set(ctx, "cluster-node-timeout", c.timeout.Milliseconds()); err != nil {
			return err
		}
	}
	c.formed = true
	return nil
}

// found gives new servers their slots and their roles.
func (c *Cluster) found(ctx context.Context) error {
	for i, s := range c.Primaries() {
		first, last := Slots*i/c.primaries, Slots*(i+1)/c.primaries-1
		err := errors.Join(
			// All new nodes have epoch 0 and would sort it out by and by.
			s.client.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err(),
			s.client.Do(ctx, "CLUSTER", "ADDSLOTSRANGE", first, last).Err(),
		)
		if err != nil {
			return fmt.Errorf("give slots to %s: %w", s.Name(), err)
		}
	}
	for i, s := range c.Servers[c.primaries:] {
		primary := c.Servers[i%c.primaries]
		id, err := primary.client.Do(ctx, "CLUSTER", "MYID").Text()
		if err != nil {
			return fmt.Errorf("id of %s: %w", primary.Name(), err)
		}
		err = measure.Until(ctx, s.Name()+" replicates "+primary.Name(), func(ctx context.Context) (string, bool, error) {
			if _, _, err := c.meet(ctx, s); err != nil {
				return "", false, err
			}
			// Refused until s has heard of the primary and of its being one.
			err := s.client.Do(ctx, "CLUSTER", "REPLICATE", id).Err()
			return "replicates", err == nil, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Whole returns when every node sees every other where it is, and serves.
// cluster_state:ok alone is no such fact: a node from a snapshot reports it
// while it still looks for the others at their old addresses.
func (c *Cluster) Whole(ctx context.Context) error {
	return measure.Until(ctx, "the cluster is whole", func(ctx context.Context) (string, bool, error) {
		whole := true
		var states []string
		for _, s := range c.Servers {
			state, ok, err := c.meet(ctx, s)
			if err != nil {
				return "", false, err
			}
			whole = whole && ok
			states = append(states, s.Name()+" "+state)
		}
		return strings.Join(states, "; "), whole, nil
	})
}

// meet introduces s to all that it does not see where they are, and says
// whether it sees all and serves.
func (c *Cluster) meet(ctx context.Context, s *Server) (state string, ok bool, err error) {
	nodes, err := s.client.ClusterNodes(ctx).Result()
	if err != nil {
		return "", false, fmt.Errorf("cluster nodes of %s: %w", s.Name(), err)
	}
	v := parseNodes(nodes)
	linked := 0
	for _, m := range c.Servers {
		_, port := hostPort(m.Addr())
		bus := fmt.Sprintf("%s:%d@%d", m.node.IP(), port, busPort)
		if v.linked[bus+","+host(m)] {
			linked++
		}
		if v.known[bus] {
			continue // to meet it again would only cut the links that are being made
		}
		if err := s.client.Do(ctx, "CLUSTER", "MEET", m.node.IP().String(), port, busPort).Err(); err != nil {
			return "", false, fmt.Errorf("meet %s from %s: %w", m.Name(), s.Name(), err)
		}
	}
	in, err := s.Info(ctx, "replication")
	if err != nil {
		return "", false, err
	}
	reply, err := s.client.ClusterInfo(ctx).Result()
	if err != nil {
		return "", false, fmt.Errorf("cluster info of %s: %w", s.Name(), err)
	}
	health := parseInfo(reply)["cluster_state"]
	state = fmt.Sprintf("is linked to %d of %d, state %s", linked, len(c.Servers), health)
	ok = linked == len(c.Servers) && v.strange == 0 && health == "ok"
	if in["role"] == "slave" {
		state += ", link " + in["master_link_status"]
		ok = ok && in["master_link_status"] == "up"
	}
	return state, ok, nil
}

// view is what CLUSTER NODES says of addresses.
type view struct {
	known   map[string]bool // ip:port@bus that are listed, be it in a handshake
	linked  map[string]bool // ip:port@bus,hostname of nodes that are alive and linked
	strange int             // lines about others
}

func parseNodes(reply string) view {
	v := view{known: map[string]bool{}, linked: map[string]bool{}}
	for line := range strings.Lines(reply) {
		f := strings.Fields(line)
		if len(f) < 8 {
			continue
		}
		bus, _, _ := strings.Cut(f[1], ",")
		v.known[bus] = true
		doubt := strings.Contains(f[2], "fail") || strings.Contains(f[2], "handshake") || strings.Contains(f[2], "noaddr")
		if doubt || f[7] != "connected" {
			v.strange++
		} else {
			v.linked[f[1]] = true
		}
	}
	return v
}

// host is the name under which clients reach a server.
func host(s *Server) string {
	h, _ := hostPort(s.Addr())
	return h
}

// Env is what a learner's program finds the cluster by.
func (c *Cluster) Env() map[string]string {
	return map[string]string{
		"LAB_REDIS_ADDRS":    strings.Join(c.Addrs(), ","),
		"LAB_REDIS_USER":     Learner,
		"LAB_REDIS_PASSWORD": c.Servers[0].Password(Learner),
	}
}
