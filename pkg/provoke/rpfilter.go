// SPDX-License-Identifier: Apache-2.0

package provoke

import "net/netip"

var sources = []Provocation{
	{
		Cause: "reverse-path-filter", Families: []Family{V4},
		Run: play(listenerDefaults.with(rpFilter, "1"), reversePathFilter),
	},
	{
		Cause: "martian-source", Families: []Family{V4},
		Run: play(listenerDefaults.with(rpFilter, "0"), martianSource),
	},
}

const rpFilter = "ipv4/conf/" + device + "/rp_filter"

// reversePathFilter sends SYNs from where the server has no route to:
// net/ipv4/fib_frontend.c:__fib_validate_source.
func reversePathFilter(b *bench) Expect {
	ln, clients := b.listen(8), unroutedAll(b.clients())
	b.eachSends(clients, segment{dst: ln.addr, flags: syn, seq: clientISN})
	return b.expect("reverse-path-filter", "", ln.addr, clients,
		map[string]uint64{"TcpExtIPReversePathFilter": uint64(len(clients))})
}

// martianSource sends SYNs from the server itself, a loopback address and a
// multicast group: net/ipv4/route.c:ip_route_input_slow, martian_source. None
// of the namespace's counters moves.
func martianSource(b *bench) Expect {
	ln, clients := b.listen(8), b.martians()
	b.eachSends(clients, segment{dst: ln.addr, flags: syn, seq: clientISN})
	return b.expect("martian-source", "", ln.addr, clients, nil)
}

func (b *bench) martians() []netip.AddrPort {
	var clients []netip.AddrPort
	for i, src := range []netip.Addr{server4, netip.MustParseAddr("127.0.0.5"), netip.MustParseAddr("224.0.0.5")} {
		for _, c := range b.ports(1, i+1) {
			clients = append(clients, netip.AddrPortFrom(src, c.Port()))
		}
	}
	return clients
}
