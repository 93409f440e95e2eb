// SPDX-License-Identifier: Apache-2.0

package provoke

import "net/netip"

// sourceNAT are packets that leave with another source, or cannot, as all ports of the
// other source are taken.
var sourceNAT = []Provocation{
	{
		Cause: "netfilter-drop", Variant: "snat/postrouting", Families: []Family{V4, V6}, Needs: []string{featNFTNAT},
		Run: route(tracking, dropAfterSNAT),
	},
	{
		Cause: "conntrack-clash", Variant: "forward/iptables", Families: []Family{V4, V6}, Needs: []string{featIPTablesNAT},
		Run: route(tracking, clashMasquerade),
	},
	{
		Cause: "conntrack-clash", Variant: "own-connect", Families: []Family{V4, V6}, Needs: []string{featNFTNAT},
		Run: play(tracking, clashOwn(func(b *bench, to netip.AddrPort) {
			b.addRule(natPostrouting(b.f), toTCP(to), snatTo(b.shared()))
		})),
	},
	{
		Cause: "conntrack-clash", Variant: "own-connect/iptables", Families: []Family{V4, V6}, Needs: []string{featIPTablesNAT},
		Run: play(tracking, clashOwn((*bench).masqueradeIPTables)),
	},
}

// dropAfterSNAT drops packets for the backend when they have their other source. The
// records have the first one.
func dropAfterSNAT(b *bench) Expect {
	ln, clients := b.backendListen(8), b.clients()
	b.addRule(natPostrouting(b.f), toTCP(ln.addr), action{nft: snatAny(b.shared().Addr())})
	b.rule(afterNAT(postrouting), ln.addr, verdictDrop)
	b.syns(clients, ln.addr)
	return b.expectForward("netfilter-drop", "", ln.addr, clients, nil)
}

// masqueradeIPTables gives TCP to an address the server's own and one port.
func (b *bench) masqueradeIPTables(to netip.AddrPort) {
	b.iptables(natTable, masqueradeRule(to, masqueradePort))
}

// masqueradePort is the one source port that is left, which is outside of those that
// the kernel gives to sockets.
const masqueradePort = 5000

// clashMasquerade has the clients' packets for the backend leave by one port, which the
// first of all has.
func clashMasquerade(b *bench) Expect {
	ln, clients := b.backendListen(8), b.clients()
	b.masqueradeIPTables(ln.addr)
	first := netip.AddrPortFrom(gatewayAddr(b.f), masqueradePort)
	b.requests = append(b.requests, requestKey{ln.addr, first}) // the listener's view
	b.eachSends(append(b.fillers(1), clients...), segment{dst: ln.addr, flags: syn, seq: clientISN})
	return b.expectForward("conntrack-clash", "", ln.addr, clients, clashes(len(clients)))
}

// clashOwn has the server's own connections do so.
func clashOwn(rule func(*bench, netip.AddrPort)) func(*bench) Expect {
	return func(b *bench) Expect {
		rule(b, b.peer())
		b.connectOnce(b.peer()) // takes it
		return b.ownConnects(Drop{Cause: "conntrack-clash"}, clashes(ownAttempts))
	}
}

func gatewayAddr(f Family) netip.Addr {
	if f == V6 {
		return gateway6
	}
	return gateway4
}
