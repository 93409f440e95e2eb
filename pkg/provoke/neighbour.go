// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
)

var neighbours = []Provocation{
	{
		Cause: "neighbour-unresolved", Families: []Family{V4, V6, Mapped},
		Run: play(unresolving("212992"), neighbourSilent),
	},
	{
		Cause: "neighbour-unresolved", Variant: "queue-full", Families: []Family{V4, V6, Mapped},
		Run: play(unresolving("1"), neighbourQueueFull),
	},
}

// unresolving settings also give the requests up that wait for the neighbour. It is
// given up after all SYNs were sent, also on a slow machine, and before the requests.
func unresolving(bytes string) sysctls {
	return with(impatient, givingUp(device, bytes), sysctls{
		"ipv4/neigh/" + device + "/retrans_time_ms": "500",
		"ipv6/neigh/" + device + "/retrans_time_ms": "500",
	})
}

// givingUp settings give a neighbour up soon (before Linux 5.18 after half a
// second at the earliest, net/core/neighbour.c:__neigh_event_send), and keep so
// many bytes for one meanwhile.
func givingUp(device, bytes string) sysctls {
	s := sysctls{}
	for _, ip := range []string{"ipv4", "ipv6"} {
		dir := ip + "/neigh/" + device + "/"
		s[dir+"mcast_solicit"] = "1"
		s[dir+"retrans_time_ms"] = "100"
		s[dir+"unres_qlen_bytes"] = bytes
	}
	return s
}

// neighbourSilent has clients on the server's own link that do not answer: the
// SYN-ACKs wait, and die when the neighbour is given up (neigh_invalidate).
func neighbourSilent(b *bench) Expect {
	ln, clients := b.listen(8), b.onLink(b.clients())
	b.syns(clients, ln.addr)
	b.awaitExpiry()
	e := b.expect("neighbour-unresolved", "", ln.addr, clients, nil)
	return merge(e, b.givenUp(ln, clients))
}

// neighbourQueueFull has clients behind a router that does not answer. The
// queue takes but one packet, and the next SYN-ACK takes its place.
func neighbourQueueFull(b *bench) Expect {
	ln, clients := b.listen(8), unroutedAll(b.clients())
	b.routeThrough(clients, b.onLink(clients)[0].Addr())
	b.syns(clients, ln.addr)
	b.awaitExpiry()
	e := b.expect("neighbour-unresolved", "", ln.addr, clients, nil)
	last := len(clients) - 1
	return merge(e, b.expired(ln, clients[:last]), b.givenUp(ln, clients[last:]))
}

// givenUp are the notices of the requests whose neighbour was given up.
// IPv4 sends itself an ICMP error that ends the request (arp_error_report,
// tcp_req_err). IPv6's error does not end it, so the request expires.
func (b *bench) givenUp(ln *listener, clients []netip.AddrPort) Expect {
	if b.f == V6 {
		return b.expired(ln, clients)
	}
	return b.failed(ln, clients)
}

// onLink are clients in the server's own network, which no one has.
func (b *bench) onLink(clients []netip.AddrPort) []netip.AddrPort {
	out := make([]netip.AddrPort, len(clients))
	for i, c := range clients {
		a, host := b.serverAddr(b.f).AsSlice(), c.Addr().AsSlice()
		a[len(a)-1] = 100 + host[len(host)-1]
		addr, _ := netip.AddrFromSlice(a)
		out[i] = netip.AddrPortFrom(addr, c.Port())
	}
	return out
}

// routeThrough routes the clients through a gateway on the link.
func (b *bench) routeThrough(clients []netip.AddrPort, gw netip.Addr) {
	h := b.serverNetlink()
	if h == nil {
		return
	}
	added := map[netip.Addr]bool{}
	for _, c := range clients {
		if added[c.Addr()] {
			continue
		}
		added[c.Addr()] = true
		route := &netlink.Route{LinkIndex: b.serverIndex, Dst: ipNet(netip.PrefixFrom(c.Addr(), c.Addr().BitLen())), Gw: net.IP(gw.AsSlice())}
		b.fail(joinErr("add route", h.RouteAdd(route)))
		b.undo = append(b.undo, func() error { return joinErr("remove route", h.RouteDel(route)) })
	}
}
