// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// natPrerouting translates destinations of packets that come in, as container engines
// and kube-proxy have it.
func natPrerouting(f Family) chain {
	c := natInput(f)
	c.hook, c.priority = nftables.ChainHookPrerouting, nftables.ChainPriorityNATDest
	return c
}

func dnat(to netip.AddrPort) []expr.Any {
	rule := snat(to)
	rule[2].(*expr.NAT).Type = expr.NATTypeDestNAT
	return rule
}

// snatAny takes an address, and what port is free.
func snatAny(to netip.Addr) []expr.Any {
	rule := snat(netip.AddrPortFrom(to, 0))
	nat := rule[2].(*expr.NAT)
	nat.RegProtoMin = 0
	return []expr.Any{rule[0], nat}
}

// published is a port of the server's own address that stands for the backend's.
func (b *bench) published() netip.AddrPort { return b.reserve() }

// service is an address that no interface has, and a port.
func (b *bench) service() netip.AddrPort {
	port := 30000 + uint16(b.id%4096)
	if b.f == V6 {
		return netip.AddrPortFrom(netip.MustParseAddr("fd96::10"), port)
	}
	return netip.AddrPortFrom(netip.MustParseAddr("10.96.0.10"), port)
}

// translate has nf_tables send TCP for one address to another.
func (b *bench) translate(from, to netip.AddrPort) {
	b.addRule(natPrerouting(b.f), toTCP(from), action{nft: dnat(to)})
}

// toTCP matches TCP to an address and port, in a table of the address's family.
func toTCP(dst netip.AddrPort) match {
	nft := append(onProtocol(unix.IPPROTO_TCP), toAddr(dst.Addr())...)
	return match{append(nft, onPort(2, dst.Port())[2:]...), toMatch(dst)}
}

// afterNAT is a chain that sees what its hook has translated.
func afterNAT(c chain) chain {
	c.priority = nftables.ChainPriorityRef(*nftables.ChainPriorityNATSource + 1)
	return c
}

// translated are e's drops of packets that were for another address before NAT.
func translated(e Expect, orig netip.AddrPort) Expect {
	for i := range e.Drops {
		e.Drops[i].OrigDst = orig
	}
	return e
}
