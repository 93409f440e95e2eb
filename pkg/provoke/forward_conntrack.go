// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net/netip"
	"strconv"

	"github.com/google/nftables"
)

// forwardConntrack are connections that the server forwards, and tracks.
var forwardConntrack = []Provocation{
	{
		Cause: "conntrack-table-full", Variant: "forward", Families: []Family{V4, V6}, Global: true,
		Needs: []string{featStateRules, featConntrackDump},
		Run:   route(tracking, forwardTableFull),
	},
	{
		Cause: "conntrack-evicted", Variant: "forward", Families: []Family{V4, V6}, Global: true,
		Needs: []string{featStateRules, featConntrackDump},
		Run:   route(tracking, forwardEvicted),
	},
	{
		Cause: "conntrack-clash", Variant: "forward", Families: []Family{V4, V6}, Needs: []string{featNFTNAT},
		Run: route(tracking, forwardClash),
	},
	{
		Cause: "conntrack-chain-too-long", Variant: "forward", Families: []Family{V4, V6}, Global: true,
		Needs: []string{featStateRules, featConntrackDump, featChainLimit},
		Run:   route(tracking, forwardChainTooLong),
	},
	{
		Cause: "conntrack-insert-failed", Variant: "forward", Families: []Family{V4, V6}, Global: true,
		Needs: []string{featStateRules, featConntrackDump, featGenID, featQueue},
		Run:   route(tracking.with("netfilter/nf_conntrack_acct", "1"), forwardInsertFailed),
	},
	{
		Cause: "conntrack-invalid", Variant: "forward", Families: []Family{V4, V6}, Needs: []string{featStateRules},
		Run: route(strict, forwardInvalid),
	},
}

// tracking is the claim of a run that has the packets tracked.
var tracking = sysctls{alone: "yes"}

// forwardTableFull fills the table with connections to the backend.
func forwardTableFull(b *bench) Expect {
	ln, clients := b.backendListen(8), b.clients()
	b.rule(forward, ln.addr, track)
	b.flushConntrack()
	b.overfill(ln)
	b.setGlobal("netfilter/nf_conntrack_max", strconv.Itoa(b.conntrackCount()))
	b.syns(clients, ln.addr)
	return b.expectForward("conntrack-table-full", "", ln.addr, clients, map[string]uint64{"Conntrackdrop": uint64(len(clients))})
}

func forwardEvicted(b *bench) Expect {
	dst := b.backendSink()
	b.rule(forward, dst, track)
	e, _ := b.evictions(dst)
	return b.forwarded(e)
}

// forwardClash has source NAT with but one port to choose, as conntrackClash.
func forwardClash(b *bench) Expect {
	dst, clients := b.backendSink(), b.clients()
	b.rule(natPostrouting(b.f), dst, snatTo(netip.AddrPortFrom(b.source(99), 5000)))
	b.syns(b.fillers(1), dst) // takes it
	b.syns(clients, dst)
	n := uint64(len(clients))
	return b.expectForward("conntrack-clash", "", dst, clients,
		map[string]uint64{"Conntrackdrop": n, "Conntrackinsert_failed": n})
}

// natPostrouting translates sources of packets that leave this host.
func natPostrouting(f Family) chain {
	c := natInput(f)
	c.hook = nftables.ChainHookPostrouting
	return c
}

func forwardChainTooLong(b *bench) Expect {
	dst := b.backendSink()
	b.rule(forward, dst, track)
	e, _ := b.longChains(dst)
	return b.forwarded(e)
}

func forwardInsertFailed(b *bench) Expect {
	dst := b.backendSink()
	failed, counters := b.staleInsertions(forward, dst)
	return b.forwarded(b.expectCounts(Drop{Cause: "conntrack-insert-failed", Dst: dst}, failed, counters))
}

func forwardInvalid(b *bench) Expect {
	dst, clients := b.backendSink(), b.clients()
	b.rule(forward, dst, dropInvalid)
	b.eachSends(clients, segment{dst: dst, flags: ack, seq: clientISN + 1, ack: 77777777})
	return b.expectForward("conntrack-invalid", "", dst, clients, invalid(clients))
}
