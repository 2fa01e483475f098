package clickhouse

import (
	"fmt"

	"faultlab/internal/rig"
)

// Cluster is shards of one replica each. Tables on them are plain MergeTree;
// a table of engine Distributed over the cluster's name ties them together.
type Cluster struct {
	Name   string
	Shards []*Server
}

// NewCluster adds n servers to the rig, called <name>-1 to <name>-n, which all
// know the cluster called name. c.Name is that name; empty: "cluster".
func NewCluster(r *rig.Rig, n int, c Config) *Cluster {
	if c.Name == "" {
		c.Name = "cluster"
	}
	cl := &Cluster{Name: c.Name}
	all := shards{name: c.Name}
	for i := range n {
		all.hosts = append(all.hosts, fmt.Sprintf("%s-%d", cl.Name, i+1))
	}
	for _, host := range all.hosts {
		one := c
		one.Name, one.clusters = host, []shards{all}
		cl.Shards = append(cl.Shards, New(r, one))
	}
	return cl
}
