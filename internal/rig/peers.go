package rig

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// peers is the network between the servers of a rig. Ports are published over
// the engine's default network and never over this one: so a server can be cut
// off from the others while clients on this machine keep their connections.
// A rig of one server has none, which saves a fifth of a second.
//
// Addresses are fixed by order of adding: a server that was cut off or started
// again is found where it was.
type peers struct {
	id     string
	subnet netip.Prefix
}

// Subnets are cut from 198.18.0.0/16, which is set apart for tests between
// machines (RFC 2544) and so hides no network that anybody uses.
const peerBits = 27

func (r *Rig) connectPeers(ctx context.Context) error {
	if len(r.nodes) < 2 || r.peers != nil {
		return nil
	}
	const most = 1<<(32-peerBits) - 3 // without network, gateway and broadcast
	if len(r.nodes) > most {
		return fmt.Errorf("make network: %d servers, at most %d", len(r.nodes), most)
	}
	var err error
	for range 20 {
		block := rand.IntN(1 << (peerBits - 16))
		subnet := netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(block >> 3), byte(block << 5)}), peerBits)
		var res client.NetworkCreateResult
		res, err = r.engine.api.NetworkCreate(context.WithoutCancel(ctx), "faultlab-"+r.env.ID, client.NetworkCreateOptions{
			Driver:   "bridge",
			Internal: true, // no gateway: the engine publishes over the other network
			IPAM:     &network.IPAM{Config: []network.IPAMConfig{{Subnet: subnet}}},
			Labels:   r.labels(""),
		})
		if err == nil {
			r.peers = &peers{id: res.ID, subnet: subnet}
			return nil
		}
		if !strings.Contains(err.Error(), "overlaps") {
			break
		}
	}
	return fmt.Errorf("make network: %w", err)
}

// addr is the address of the i-th server; .1 is the bridge's.
func (p *peers) addr(i int) netip.Addr {
	a := p.subnet.Addr().As4()
	a[3] += byte(i) + 2
	return netip.AddrFrom4(a)
}

// hosts goes into every server's /etc/hosts, its own name too: servers listen
// on and speak from their address on this network, and a name outlives a cut,
// as names do.
func (r *Rig) hosts() (lines []string) {
	if r.peers == nil {
		return nil
	}
	for _, n := range r.nodes {
		lines = append(lines, n.Name()+":"+n.IP().String())
	}
	return lines
}

func (p *peers) connect(ctx context.Context, n *Node) error {
	_, err := n.rig.engine.api.NetworkConnect(ctx, p.id, client.NetworkConnectOptions{
		Container: n.id(),
		EndpointConfig: &network.EndpointSettings{
			IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: n.IP()},
		},
	})
	if err != nil {
		return fmt.Errorf("connect %s: %w", n.Name(), err)
	}
	return nil
}
