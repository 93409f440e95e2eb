// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/vishvananda/netlink"
)

// conntrackEvictFill gives each bucket several entries (two an entry).
const conntrackEvictFill = 1500

// conntrackEvicted fills the table with entries of unfinished handshakes, which
// nf_conntrack_core.c:early_drop may evict for new ones: all of one bucket of a
// few around the new entry's. Which ones is chance, and so the kernel is asked:
// an entry that is not there any more was evicted. All SYNs get a cookie.
func conntrackEvicted(b *bench) Expect {
	ln := b.listen(8)
	b.rule(input, ln.addr, track)
	e, sent := b.evictions(ln.addr)
	return b.withCookies(e, ln.addr, sent)
}

// evictions does so with SYNs to dst, and returns all that were sent.
func (b *bench) evictions(dst netip.AddrPort) (e Expect, sent []netip.AddrPort) {
	b.flushConntrack()
	b.setGlobal("netfilter/nf_conntrack_max", "200000")
	b.setGlobal("netfilter/nf_conntrack_buckets", fmt.Sprint(fewBuckets))
	for i := range conntrackEvictFill {
		sent = append(sent, netip.AddrPortFrom(b.source(i%3+4), uint16(1024+i)))
	}
	for part := range slices.Chunk(sent, chainBatch) {
		b.eachSends(part, segment{dst: dst, flags: syn, seq: clientISN})
		b.sync()
	}
	clients := b.clients()
	b.setGlobal("netfilter/nf_conntrack_max", strconv.Itoa(b.conntrackCount()))
	b.eachSends(clients, segment{dst: dst, flags: syn, seq: clientISN})
	b.sync()
	b.setGlobal("netfilter/nf_conntrack_max", "200000")

	sent = append(sent, clients...)
	tracked := b.conntrackClients()
	var victims []netip.AddrPort
	for _, c := range sent {
		if !tracked[c] {
			victims = append(victims, c)
		}
	}
	if len(victims) == 0 && b.err == nil {
		b.fail(fmt.Errorf("%d SYNs evicted no conntrack entry", len(clients)))
	}
	return notices(b.expect("conntrack-evicted", "", dst, victims,
		map[string]uint64{"Conntrackearly_drop": uint64(len(victims))})), sent
}

// conntrackClients are the clients that have entries.
func (b *bench) conntrackClients() map[netip.AddrPort]bool {
	out := map[netip.AddrPort]bool{}
	b.withConntrack(func(h *netlink.Handle) error {
		flows, err := h.ConntrackTableList(netlink.ConntrackTable, b.conntrackFamily())
		if err != nil {
			return fmt.Errorf("dump conntrack: %w", err)
		}
		for _, flow := range flows {
			src, _ := netip.AddrFromSlice(flow.Forward.SrcIP)
			out[netip.AddrPortFrom(src.Unmap(), flow.Forward.SrcPort)] = true
		}
		return nil
	})
	return out
}
