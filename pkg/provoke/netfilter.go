// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

var netfilter = []Provocation{
	{
		Cause: "netfilter-drop", Families: []Family{V4, V6}, Needs: []string{featRules},
		Run: play(nil, ruled("netfilter-drop", input, verdictDrop)),
	},
	{
		Cause: "netfilter-drop", Variant: "prerouting", Families: []Family{V4, V6}, Needs: []string{featRules},
		Run: play(nil, ruled("netfilter-drop", prerouting, verdictDrop)),
	},
	{
		Cause: "netfilter-drop", Variant: "ingress", Families: []Family{V4, V6}, Needs: []string{featNFTNetdev},
		Run: play(nil, ruled("netfilter-drop", ingress, verdictDrop)),
	},
	{
		Cause: "netfilter-drop", Variant: "output", Families: []Family{V4, V6, Mapped}, Needs: []string{featRules},
		Run: play(impatient, netfilterOutput),
	},
	{
		// With a zone a packet has a template in place of its conntrack entry, which
		// has the address 0.0.0.0.
		Cause: "netfilter-drop", Variant: "prerouting/zone", Families: []Family{V4, V6}, Needs: []string{featNFTZone},
		Run: play(sysctls{alone: "yes"}, ruled("netfilter-drop", prerouting, dropInZone)),
	},
	{
		Cause: "netfilter-drop", Variant: "nat", Families: []Family{V4, V6}, Needs: []string{featNFTNAT},
		Run: play(sysctls{alone: "yes"}, netfilterNAT),
	},
	{
		Cause: "netfilter-drop", Variant: "iptables", Families: []Family{V4, V6}, Needs: []string{featIPTables},
		Run: play(sysctls{alone: "yes"}, iptablesDrop),
	},
	{
		Cause: "netfilter-reject", Families: []Family{V4, V6}, Needs: []string{featRejectRules},
		Run: play(nil, ruled("netfilter-reject", input, rejectReset)),
	},
	{
		Cause: "netfilter-reject", Variant: "icmp", Families: []Family{V4, V6}, Needs: []string{featRejectRules},
		Run: play(nil, ruled("netfilter-reject", input, rejectICMP)),
	},
}

// chain is a base chain of its own table.
type chain struct {
	family   nftables.TableFamily
	kind     nftables.ChainType
	hook     *nftables.ChainHook
	priority *nftables.ChainPriority
	device   string
}

var (
	input      = chain{nftables.TableFamilyINet, nftables.ChainTypeFilter, nftables.ChainHookInput, nftables.ChainPriorityFilter, ""}
	prerouting = chain{nftables.TableFamilyINet, nftables.ChainTypeFilter, nftables.ChainHookPrerouting, nftables.ChainPriorityRaw, ""}
	output     = chain{nftables.TableFamilyINet, nftables.ChainTypeFilter, nftables.ChainHookOutput, nftables.ChainPriorityFilter, ""}
	ingress    = chain{nftables.TableFamilyNetdev, nftables.ChainTypeFilter, nftables.ChainHookIngress, nftables.ChainPriorityFilter, device}
)

var (
	verdictDrop = action{nft: []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}}, target: always(standardTarget(verdictDROP))}
	dropInZone  = action{nft: []expr.Any{
		&expr.Immediate{Register: 1, Data: binaryutil.NativeEndian.PutUint16(5)},
		&expr.Ct{Key: expr.CtKeyZONE, Register: 1, SourceRegister: true},
		verdictDrop.nft[0],
	}}
	rejectReset = action{nft: []expr.Any{&expr.Reject{Type: unix.NFT_REJECT_TCP_RST}}, target: rejectWith(iptReset, ip6tReset)}
	rejectICMP  = action{
		nft:    []expr.Any{&expr.Reject{Type: unix.NFT_REJECT_ICMPX_UNREACH, Code: unix.NFT_REJECT_ICMPX_PORT_UNREACH}},
		target: rejectWith(iptPortUnreachable, ip6tPortUnreachable),
	}
)

// ruled sends SYNs that a rule for their port drops. No snmp counter moves.
func ruled(cause string, c chain, verdict action) func(*bench) Expect {
	return func(b *bench) Expect {
		ln, clients := b.listen(8), b.clients()
		b.rule(c, ln.addr, verdict)
		b.syns(clients, ln.addr)
		return b.expect(cause, "", ln.addr, clients, nil)
	}
}

// netfilterOutput has a rule drop our SYN-ACKs, of which there is one for each
// request, until the requests expire.
func netfilterOutput(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	b.addRule(output, fromTCP(ln.addr.Port()), verdictDrop)
	b.syns(clients, ln.addr)
	b.awaitExpiry()
	return merge(b.expect("netfilter-drop", "", ln.addr, clients, nil), b.expired(ln, clients))
}

// netfilterNAT drops SYNs after NAT has given them another source: the records have
// the original source.
func netfilterNAT(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	b.rule(natInput(b.f), ln.addr, snatTo(netip.AddrPortFrom(b.source(99), 5000)))
	afterNAT := input
	afterNAT.priority = nftables.ChainPriorityRef(*nftables.ChainPriorityNATSource + 1)
	b.rule(afterNAT, ln.addr, verdictDrop)
	b.syns(clients, ln.addr)
	return b.expect("netfilter-drop", "", ln.addr, clients, nil)
}
