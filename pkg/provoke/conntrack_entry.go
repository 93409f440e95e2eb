// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// featClash is nf_tables' NAT, or where no tables have NAT entries of anybody's making:
// NAT takes another port where an entry has the connection's own, also of a connection that
// no rule is for (net/netfilter/nf_nat_core.c:nf_nat_alloc_null_binding).
const featClash = "clash of connections"

func init() {
	probes[featClash] = inNFTables(featNFTNAT, func(ns *os.File) error {
		if tryIn(ns, featIPTablesNAT) == nil {
			return errors.New("the legacy iptables have NAT")
		}
		return errors.Join(tryIn(ns, featStateRules), tryIn(ns, featConntrackDump))
	})
}

// clashEntry adds entries whose replies look like those of the clients' connections, as
// conntrackd does, for which no NAT is needed.
func clashEntry(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	b.rule(input, ln.addr, track)
	b.flushConntrack()
	elsewhere := b.reserve()
	for i, c := range clients {
		b.addEntry(tuple(netip.AddrPortFrom(b.source(98), uint16(5000+i)), elsewhere), tuple(ln.addr, c))
	}
	b.syns(clients, ln.addr)
	return b.expect("conntrack-clash", "", ln.addr, clients, clashes(len(clients)))
}

// addEntry adds a connection to the table, with replies that need not belong to it.
func (b *bench) addEntry(orig, reply netlink.IPTuple) {
	b.withConntrack(func(h *netlink.Handle) error {
		family := b.conntrackFamily()
		return joinErr("add conntrack entry", h.ConntrackCreate(netlink.ConntrackTable, family,
			&netlink.ConntrackFlow{FamilyType: uint8(family), Forward: orig, Reverse: reply, TimeOut: 60}))
	})
}

func tuple(src, dst netip.AddrPort) netlink.IPTuple {
	return netlink.IPTuple{
		SrcIP: src.Addr().AsSlice(), SrcPort: src.Port(), DstIP: dst.Addr().AsSlice(), DstPort: dst.Port(), Protocol: unix.IPPROTO_TCP,
	}
}
