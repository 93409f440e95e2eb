// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// way is a kind of passage.
type way struct {
	name  string
	needs []string
	open  func(*bench) *passage
}

// The ways through a server that packets are routed on, and bridged, on which they
// are but switched.
var (
	overBridge    = way{"bridge", []string{featBridge}, openBridge}
	overVLAN      = way{"vlan", []string{featVLAN}, openVLAN}
	inVRF         = way{"vrf", []string{featVRF}, openVRF}
	fromVXLAN     = way{"vxlan", []string{featVXLAN}, openVXLAN}
	fromIPIP      = way{"ipip", []string{featIPIP}, openIPIP}
	overWireGuard = way{"wireguard", []string{featWireGuard}, openWireGuard}
	routedWays    = []way{overBridge, overVLAN, inVRF, fromVXLAN, fromIPIP, overWireGuard}

	bridged = way{"bridged", []string{featBridge}, openBridged}
)

// behindDevice gives the server an address on a device, behind which the host is.
func (p *passage) behindDevice(link netlink.Link, h *host) {
	b := p.b
	p.host, p.egress = h, link.Attrs().Name
	p.server.awaitUp(p.egress)
	link = p.server.link(p.egress)
	gateway, mac := b.network(1), link.Attrs().HardwareAddr
	p.server.address(link, gateway)
	h.has(b.network(2), gateway, mac)
	p.server.neighbour(link, h.addr, h.mac)
}

// openBridge puts the host behind a bridge that has an address, as container
// engines do.
func openBridge(b *bench) *passage {
	p := b.passage()
	br := b.bridge(p.server)
	h := b.host(p.server, 0)
	p.server.enslave(h.near, br)
	p.behindDevice(br, h)
	return p
}

// bridge adds a bridge that asks for nothing and learns as it goes.
func (b *bench) bridge(w *wiring) netlink.Link {
	off := false
	br := &netlink.Bridge{LinkAttrs: named(b.deviceName("br", 0), b.mac(100)), MulticastSnooping: &off}
	w.add(br)
	return br
}

// openBridged has the client and the host in one network, which the server has no
// address in.
func openBridged(b *bench) *passage {
	p := b.passage()
	br := b.bridge(p.server)
	p.host = b.host(p.server, 0)
	p.host.has(b.network(2), netip.Addr{}, nil)
	p.entry(br)
	p.server.enslave(p.host.near, br)
	p.mac, p.egress = p.host.mac, p.host.near.Attrs().Name
	p.server.awaitUp(br.Attrs().Name)
	p.from = func(clients []netip.AddrPort) []netip.AddrPort {
		out := make([]netip.AddrPort, len(clients))
		for i, c := range clients {
			last := c.Addr().AsSlice()
			out[i] = netip.AddrPortFrom(b.network(100+last[len(last)-1]), c.Port())
		}
		return out
	}
	return p
}

// entry gives the way an entry of its own, another cable from the client, the
// server's end of which gets a master.
func (p *passage) entry(master netlink.Link) netlink.Link {
	b := p.b
	near := plug{b.Lab.server, b.deviceName("in", 0), b.mac(98)}
	p.ingress = near.device
	p.server.cable(near, plug{b.client, near.device, b.mac(99)})
	far := b.wiringIn(b.client)
	peer := far.link(near.device)
	far.sysctls(sysctls{"ipv6/conf/" + near.device + "/disable_ipv6": "1"})
	far.do("set the client's end up", func() error { return far.h.LinkSetUp(peer) })
	p.server.awaitUp(near.device)
	far.awaitUp(near.device)
	p.server.enslave(p.server.link(near.device), master)
	far.do("open the client's end", func() error {
		fd, err := packetSocket(peer.Attrs().Index, 0) // the run's thread is in the client's namespace
		b.undo = append(b.undo, func() error { return closeAll(fd) })
		p.put = func(frame []byte) error {
			_, err := unix.Write(fd, frame)
			return joinErr("send frame", err)
		}
		return err
	})
	p.mac = near.mac
	return p.server.link(near.device)
}

func openVLAN(b *bench) *passage {
	p := b.passage()
	h := b.host(p.server, 0)
	attrs := named(b.deviceName("vlan", 0), nil)
	attrs.ParentIndex = h.near.Attrs().Index
	vlan := &netlink.Vlan{LinkAttrs: attrs, VlanId: 7, VlanProtocol: netlink.VLAN_PROTOCOL_8021Q}
	p.server.add(vlan)
	p.behindDevice(vlan, h)
	return p
}

// openVRF has both the client and the host in a VRF.
func openVRF(b *bench) *passage {
	p := b.passage()
	table := 1000 + b.id
	vrf := &netlink.Vrf{LinkAttrs: named(b.deviceName("vrf", 0), nil), Table: table}
	p.server.add(vrf)
	p.table = int(table)
	in := p.entry(vrf)
	h := b.host(p.server, 0)
	p.server.enslave(h.near, vrf)
	p.behindDevice(h.near, h)
	back, ghost := spoofed4, ghost4
	if b.f == V6 {
		back, ghost = spoofed6, ghost6
	}
	p.server.neighbour(in, ghost, ghostMAC)
	p.server.route(netlink.Route{
		LinkIndex: in.Attrs().Index, Dst: ipNet(back), Gw: ghost.AsSlice(), Table: p.table, Flags: int(netlink.FLAG_ONLINK),
	})
	return p
}
