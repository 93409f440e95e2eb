// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
)

// conntrackProtocols are the drops of connection tracking that are not TCP's, in all
// directions.
var conntrackProtocols = slices.Concat(
	eachProtocol(protocols[0]), eachProtocol(protocols[1]), eachProtocol(protocols[2]),
)

type runner = func(context.Context, *Lab, Family) (Expect, error)

func eachProtocol(p protocol) []Provocation {
	full := Provocation{Cause: "conntrack-table-full", Families: []Family{V4, V6}, Global: true, Needs: []string{featStateRules, featConntrackDump}}
	clash := Provocation{Cause: "conntrack-clash", Families: []Family{V4, V6}, Needs: []string{featNFTNAT}}
	invalid := Provocation{Cause: "conntrack-invalid", Families: []Family{V4, V6}, Needs: []string{featStateRules}}
	as := func(like Provocation, variant string, run runner) Provocation {
		like.Variant, like.Run = p.name+variant, run
		return like
	}
	alone := listenerDefaults.with(alone, "yes")
	return []Provocation{
		as(full, "", play(alone, protocolTableFull(p))),
		as(full, "/forward", route(alone, protocolTableFullForward(p))),
		as(full, "/own", play(alone, protocolTableFullOwn(p))),
		as(clash, "", play(tracking, protocolClash(p))),
		as(clash, "/forward", route(tracking, protocolClashForward(p))),
		as(clash, "/own", play(tracking, protocolClashOwn(p))),
		as(invalid, "", play(checking, protocolInvalid(p))),
		as(invalid, "/forward", route(checking, protocolInvalidForward(p))),
	}
}

// protocolTableFull sends packets to the server while the table has no room.
func protocolTableFull(p protocol) func(*bench) Expect {
	return func(b *bench) Expect {
		dst, clients := b.reserve(), b.clients()
		b.fullFor(func() { b.begin(p, clients, dst); b.sync() })
		return b.expectProtocol(p, "conntrack-table-full", dst, clients, noRoom(len(clients)))
	}
}

// protocolTableFullForward sends packets for the backend.
func protocolTableFullForward(p protocol) func(*bench) Expect {
	return func(b *bench) Expect {
		dst, clients := b.backendReserve(), b.clients()
		b.fullFor(func() { b.begin(p, clients, dst); b.sync() })
		return b.forwarded(b.expectProtocol(p, "conntrack-table-full", dst, clients, noRoom(len(clients))))
	}
}

// protocolTableFullOwn has the server send packets.
func protocolTableFullOwn(p protocol) func(*bench) Expect {
	return func(b *bench) Expect {
		peer := b.peer()
		b.fullFor(func() { b.refusedOwn(p, peer) })
		return b.expectOwn(p.at(peer, b.f), Drop{Cause: "conntrack-table-full", Proto: p.number(b.f)}, noRoom(ownAttempts))
	}
}

// fullFor does something while the table has no room for a new entry.
func (b *bench) fullFor(do func()) {
	ln := b.listen(2)
	b.rule(input, ln.addr, track)
	b.flushConntrack()
	b.overfill(ln)
	b.atomically("netfilter/nf_conntrack_max", strconv.Itoa(b.conntrackCount()), do)
}

// refusedOwn has the server send packets, each of which the kernel must refuse.
func (b *bench) refusedOwn(p protocol, dst netip.AddrPort) {
	for i := range uint16(ownAttempts) {
		if b.sendOwn(p, 6000+i, dst) {
			b.fail(fmt.Errorf("the server's own %s packet to %s was sent", p.name, dst))
		}
	}
}

// protocolClash gives all clients one source address and port, as conntrackClash does.
func protocolClash(p protocol) func(*bench) Expect {
	return func(b *bench) Expect {
		dst, clients := b.reserve(), b.clients()
		b.addRule(natInput(b.f), p.to(dst, b.f), snatTo(b.shared()))
		b.begin(p, append(b.fillers(1), clients...), dst)
		return b.expectProtocol(p, "conntrack-clash", dst, clients, clashes(len(clients)))
	}
}

// protocolClashForward does so to packets for the backend.
func protocolClashForward(p protocol) func(*bench) Expect {
	return func(b *bench) Expect {
		dst, clients := b.backendSink(), b.clients()
		b.addRule(natPostrouting(b.f), p.to(dst, b.f), snatTo(b.shared()))
		b.begin(p, append(b.fillers(1), clients...), dst)
		return b.forwarded(b.expectProtocol(p, "conntrack-clash", dst, clients, clashes(len(clients))))
	}
}

// protocolClashOwn does so to our own.
func protocolClashOwn(p protocol) func(*bench) Expect {
	return func(b *bench) Expect {
		peer := b.peer()
		b.addRule(natPostrouting(b.f), p.to(peer, b.f), snatTo(b.shared()))
		if !b.sendOwn(p, 5999, peer) && b.err == nil {
			b.fail(fmt.Errorf("the first %s packet to %s was not sent", p.name, peer))
		}
		b.refusedOwn(p, peer)
		return b.expectOwn(p.at(peer, b.f), Drop{Cause: "conntrack-clash", Proto: p.number(b.f)}, clashes(ownAttempts))
	}
}

// checking settings have connection tracking look at checksums.
var checking = tracking.with("netfilter/nf_conntrack_checksum", "1")

// protocolInvalid sends packets with a wrong checksum, which a rule drops as they are
// invalid.
func protocolInvalid(p protocol) func(*bench) Expect {
	return func(b *bench) Expect {
		dst, clients := b.reserve(), b.clients()
		b.addRule(input, p.to(dst, b.f), dropInvalid)
		b.beginWith(p, clients, dst, 0xff)
		return b.expectProtocol(p, "conntrack-invalid", dst, clients, p.invalid(clients))
	}
}

func protocolInvalidForward(p protocol) func(*bench) Expect {
	return func(b *bench) Expect {
		dst, clients := b.backendSink(), b.clients()
		b.addRule(forward, p.to(dst, b.f), dropInvalid)
		b.beginWith(p, clients, dst, 0xff)
		return b.forwarded(b.expectProtocol(p, "conntrack-invalid", dst, clients, p.invalid(clients)))
	}
}

// invalid are the counters of packets with a wrong checksum. Those of ICMP are invalid
// and not counted (net/netfilter/nf_conntrack_proto_icmp.c:nf_conntrack_icmpv4_error).
func (p protocol) invalid(clients []netip.AddrPort) map[string]uint64 {
	if p.name == "icmp" {
		return nil
	}
	return invalid(clients)
}

// shared is the one source that is left for all.
func (b *bench) shared() netip.AddrPort { return netip.AddrPortFrom(b.source(99), 5000) }

// to matches the protocol's packets to an address, and in nf_tables a port if there is
// one: a run that has them tracked is alone.
func (p protocol) to(dst netip.AddrPort, f Family) match {
	nft := append(onProtocol(p.number(f)), toAddr(dst.Addr())...)
	if p.number(f).HasPorts() {
		nft = append(nft, onPort(2, dst.Port())[2:]...)
	}
	return match{nft, xtMatch{proto: byte(p.number(f)), to: netip.PrefixFrom(dst.Addr(), dst.Addr().BitLen())}}
}

// expectProtocol is one drop for each of clients.
func (b *bench) expectProtocol(p protocol, cause string, dst netip.AddrPort, clients []netip.AddrPort, counters map[string]uint64) Expect {
	e := b.expect(cause, "", p.at(dst, b.f), clients, counters)
	for i := range e.Drops {
		e.Drops[i].Proto = p.number(b.f)
	}
	return e
}

// noRoom are the counters of n packets that there was no room for.
func noRoom(n int) map[string]uint64 { return map[string]uint64{"Conntrackdrop": uint64(n)} }

// clashes are those of n packets whose entry was not inserted.
func clashes(n int) map[string]uint64 {
	return map[string]uint64{"Conntrackdrop": uint64(n), "Conntrackinsert_failed": uint64(n)}
}
