// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net/netip"
)

var requestQueue = []Provocation{
	{
		Cause: "syn-queue-full", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults.with("ipv4/tcp_syncookies", "0"), synQueueFull),
	},
	{
		Cause: "syn-backlog-reserved", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults.with("ipv4/tcp_syncookies", "0").with("ipv4/tcp_max_syn_backlog", "8"), synBacklogReserved),
	},
	{
		Cause: "syn-refused", Variant: "no-route", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults.with(rpFilter, "0"), synRefusedNoRoute),
	},
	{
		Cause: "syn-refused", Variant: "broadcast", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults, synRefusedBroadcast),
	},
}

// The request queue is full when it holds more than the backlog, and without
// cookies net/ipv4/tcp_input.c:tcp_syn_flood_action refuses the SYN.
func synQueueFull(b *bench) Expect {
	ln := b.listen(4)
	b.syns(b.fillers(ln.max+1), ln.addr)
	clients := b.clients()
	b.syns(clients, ln.addr)
	n := uint64(len(clients))
	return b.expect("syn-queue-full", "", ln.addr, clients,
		map[string]uint64{"TcpExtTCPReqQFullDrop": n, "TcpExtListenDrops": n})
}

// Without cookies net/ipv4/tcp_input.c:tcp_conn_request keeps the last quarter
// of tcp_max_syn_backlog, here 2 of 8, for clients that are known to be alive.
// It starts at 7: 8-7 < 8>>2.
func synBacklogReserved(b *bench) Expect {
	ln := b.listen(100)
	b.syns(b.fillers(7), ln.addr)
	clients := b.clients()
	b.syns(clients, ln.addr)
	return b.expect("syn-backlog-reserved", "", ln.addr, clients, listenDrops(len(clients)))
}

func listenDrops(n int) map[string]uint64 { return map[string]uint64{"TcpExtListenDrops": uint64(n)} }

// synRefusedNoRoute sends SYNs from where the server has no route to: the
// route_req of net/ipv4/tcp_input.c:tcp_conn_request finds none for the SYN-ACK.
func synRefusedNoRoute(b *bench) Expect {
	ln, clients := b.listen(8), unroutedAll(b.clients())
	b.eachSends(clients, segment{dst: ln.addr, flags: syn, seq: clientISN})
	counters := listenDrops(len(clients))
	counters[b.ipCounter("OutNoRoutes")] = uint64(len(clients))
	return b.expect("syn-refused", "", ln.addr, clients, counters)
}

func unroutedAll(clients []netip.AddrPort) []netip.AddrPort {
	for i, c := range clients {
		clients[i] = netip.AddrPortFrom(unrouted(c.Addr()), c.Port())
	}
	return clients
}

// unrouted turns 10.9.x.y into 10.77.x.y and fd09::x into fd77::x.
func unrouted(a netip.Addr) netip.Addr {
	b := a.AsSlice()
	b[1] = 77
	if a.Is6() {
		b[1] = 0x77
	}
	out, _ := netip.AddrFromSlice(b)
	return out
}

// synRefusedBroadcast sends SYNs to a broadcast (IPv6: multicast) address in
// frames to the server alone, which net/ipv4/tcp_ipv4.c:tcp_v4_conn_request and
// tcp_v6_conn_request refuse.
func synRefusedBroadcast(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	everyone := netip.MustParseAddr("10.0.0.255")
	if b.f == V6 {
		everyone = netip.MustParseAddr("ff02::1")
	}
	dst := netip.AddrPortFrom(everyone, ln.addr.Port())
	b.eachSends(clients, segment{dst: dst, flags: syn, seq: clientISN})
	return b.expect("syn-refused", "", dst, clients, listenDrops(len(clients)))
}
