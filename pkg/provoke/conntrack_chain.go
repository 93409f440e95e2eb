// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"fmt"
	"net/netip"
)

const (
	// The smallest hash table (a page), which needs the fewest entries: chains
	// may be 50 to 80 long, at random (nf_conntrack_core.c:MIN_CHAINLEN,
	// MAX_CHAINLEN), and an entry is in two of them.
	fewBuckets = 512
	chainBatch = 500
	// Drops to provoke at least, and what to give up at.
	chainDrops   = 24
	chainMaxSYNs = 60000
)

// conntrackChainTooLong fills a small hash table until entries do not fit any
// more. Which ones is chance, and so the kernel is asked: a SYN without an entry
// was dropped. All others get a cookie, which leaves no socket behind.
func conntrackChainTooLong(b *bench) Expect {
	ln := b.listen(8)
	b.rule(input, ln.addr, track)
	e, tracked := b.longChains(ln.addr)
	var accepted uint64
	for _, n := range tracked {
		accepted += n
	}
	return merge(e, b.expectCounts(Drop{Cause: "syn-cookie-sent", Notice: true, Dst: ln.addr}, tracked,
		map[string]uint64{"TcpExtSyncookiesSent": accepted}))
}

// longChains fills the table with SYNs to dst, and returns how many of each source
// were accepted.
func (b *bench) longChains(dst netip.AddrPort) (e Expect, tracked map[netip.Addr]uint64) {
	b.flushConntrack()
	b.setGlobal("netfilter/nf_conntrack_max", "200000")
	b.setGlobal("netfilter/nf_conntrack_buckets", fmt.Sprint(fewBuckets))
	sent := b.synsUntilDropped(dst)
	tracked = b.conntrackSources()
	dropped := map[netip.Addr]uint64{}
	var drops uint64
	for src, n := range sent {
		if n > tracked[src] {
			dropped[src] = n - tracked[src]
		}
		drops += dropped[src]
	}
	return b.expectCounts(Drop{Cause: "conntrack-chain-too-long", Dst: dst}, dropped,
		map[string]uint64{"Conntrackinsert_failed": drops}), tracked
}

// synsUntilDropped sends SYNs from four sources, each from another port, until
// enough have been dropped, and returns how many each source sent.
func (b *bench) synsUntilDropped(dst netip.AddrPort) map[netip.Addr]uint64 {
	sent := map[netip.Addr]uint64{}
	start := b.insertFailed()
	for n := 0; b.err == nil && b.insertFailed()-start < chainDrops; n += chainBatch {
		if n >= chainMaxSYNs {
			b.fail(fmt.Errorf("no chain of the conntrack table is too long after %d entries", n))
		}
		for i := n; i < n+chainBatch; i++ {
			src := netip.AddrPortFrom(b.source(i%4+1), uint16(1024+i/4))
			b.transmit(segment{src: src, dst: dst, flags: syn, seq: clientISN})
			sent[src.Addr()]++
		}
		b.sync()
	}
	return sent
}

func (b *bench) insertFailed() uint64 {
	c, err := b.counters()
	b.fail(err)
	return c["Conntrackinsert_failed"]
}
