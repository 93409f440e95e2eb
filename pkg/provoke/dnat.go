// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// destinationNAT are packets for the backend that are addressed to something else: a
// published port of the server, or a service address that no interface has.
var destinationNAT = []Provocation{
	{
		Cause: "netfilter-drop", Variant: "published", Families: []Family{V4, V6}, Needs: []string{featNFTNAT},
		Run: route(tracking, dropTranslated((*bench).published, (*bench).translate, (*bench).dropForwarded)),
	},
	{
		Cause: "netfilter-drop", Variant: "service", Families: []Family{V4, V6}, Needs: []string{featNFTNAT},
		Run: route(tracking, dropTranslated((*bench).service, (*bench).translate, (*bench).dropForwarded)),
	},
	{
		Cause: "netfilter-drop", Variant: "published/iptables", Families: []Family{V4, V6}, Needs: []string{featIPTablesNAT, featIPTables},
		Run: route(tracking, dropTranslated((*bench).published, (*bench).translateIPTables, (*bench).dropForwardedIPTables)),
	},
	{
		Cause: "netfilter-drop", Variant: "service/iptables", Families: []Family{V4, V6}, Needs: []string{featIPTablesNAT, featIPTables},
		Run: route(tracking, dropTranslated((*bench).service, (*bench).translateIPTables, (*bench).dropForwardedIPTables)),
	},
	{
		Cause: "neighbour-unresolved", Variant: "published", Families: []Family{V4, V6}, Needs: []string{featNFTNAT},
		Run: route(stale, staleEndpoint((*bench).published, (*bench).translate)),
	},
	{
		Cause: "neighbour-unresolved", Variant: "service", Families: []Family{V4, V6}, Needs: []string{featNFTNAT},
		Run: route(stale, staleEndpoint((*bench).service, (*bench).translate)),
	},
	{
		Cause: "neighbour-unresolved", Variant: "service/iptables", Families: []Family{V4, V6}, Needs: []string{featIPTablesNAT},
		Run: route(stale, staleEndpoint((*bench).service, (*bench).translateIPTables)),
	},
	{
		// Before NAT, and so the packet has still its first destination.
		Cause: "conntrack-table-full", Variant: "published", Families: []Family{V4, V6}, Global: true,
		Needs: []string{featNFTNAT, featConntrackDump},
		Run:   route(listenerDefaults.with(alone, "yes"), tableFullPublished),
	},
	{
		Cause: "conntrack-table-full", Variant: "service", Families: []Family{V4, V6}, Global: true,
		Needs: []string{featNFTNAT, featConntrackDump},
		Run:   route(listenerDefaults.with(alone, "yes"), tableFullService),
	},
	{
		Cause: "conntrack-clash", Variant: "service", Families: []Family{V4, V6}, Needs: []string{featNFTNAT},
		Run: route(tracking, clashTranslated),
	},
}

// stale settings soon give a neighbour of the backend's network up.
var stale = givingUp(gatewayDevice, "212992").with(alone, "yes")

type (
	addressed   func(*bench) netip.AddrPort
	translation func(b *bench, from, to netip.AddrPort)
)

// dropTranslated has a rule drop what NAT has sent to the backend.
func dropTranslated(orig addressed, translate translation, drop func(*bench, netip.AddrPort)) func(*bench) Expect {
	return func(b *bench) Expect {
		ln, clients, orig := b.backendListen(8), b.clients(), orig(b)
		translate(b, orig, ln.addr)
		drop(b, ln.addr)
		b.eachSends(clients, segment{dst: orig, flags: syn, seq: clientISN})
		return translated(b.expectForward("netfilter-drop", "", ln.addr, clients, nil), orig)
	}
}

func (b *bench) dropForwarded(to netip.AddrPort) { b.rule(forward, to, verdictDrop) }

func (b *bench) dropForwardedIPTables(to netip.AddrPort) {
	b.iptables(filterTable, xtRule{unix.NF_INET_FORWARD, toMatch(to), standardTarget(verdictDROP)})
}

// staleEndpoint has NAT send the packets to an address that nobody has any more.
func staleEndpoint(orig addressed, translate translation) func(*bench) Expect {
	return func(b *bench) Expect {
		away, clients, orig := b.backendAway(), b.clients(), orig(b)
		translate(b, orig, away)
		b.eachSends(clients, segment{dst: orig, flags: syn, seq: clientISN})
		b.sync()
		b.awaitGivenUp(b.behind.gatewayIndex, away.Addr())
		return translated(b.expectForward("neighbour-unresolved", "", away, clients, nil), orig)
	}
}

// tableFullPublished has no room for what comes in for a published port.
func tableFullPublished(b *bench) Expect {
	clients, orig := b.clients(), b.published()
	b.fullForTranslated(clients, orig)
	return b.expect("conntrack-table-full", "", orig, clients, noRoom(len(clients)))
}

// tableFullService has none for a service address.
func tableFullService(b *bench) Expect {
	clients, orig := b.clients(), b.service()
	b.fullForTranslated(clients, orig)
	return b.expectForward("conntrack-table-full", "", orig, clients, noRoom(len(clients)))
}

func (b *bench) fullForTranslated(clients []netip.AddrPort, orig netip.AddrPort) {
	b.translate(orig, b.backendReserve())
	b.flushConntrack()
	b.whileFull(b.fillTable(), func() {
		b.eachSends(clients, segment{dst: orig, flags: syn, seq: clientISN})
		b.sync()
	})
}

// clashTranslated translates both ends, as a service does for what must come back
// through the node, and there is but one source left.
func clashTranslated(b *bench) Expect {
	ln, clients, orig := b.backendListen(8), b.clients(), b.service()
	b.translate(orig, ln.addr)
	b.rule(natPostrouting(b.f), ln.addr, snatTo(b.shared()))
	b.requests = append(b.requests, requestKey{ln.addr, b.shared()}) // the listener's view
	b.eachSends(append(b.fillers(1), clients...), segment{dst: orig, flags: syn, seq: clientISN})
	return translated(b.expectForward("conntrack-clash", "", ln.addr, clients, clashes(len(clients))), orig)
}
