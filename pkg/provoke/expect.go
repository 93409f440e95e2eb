// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/synwatch/synwatch/pkg/event"
)

// expect is one drop for each of clients, and the counters.
func (b *bench) expect(cause, stage string, dst netip.AddrPort, clients []netip.AddrPort, counters map[string]uint64) Expect {
	counts := map[netip.Addr]uint64{}
	for _, c := range clients {
		counts[c.Addr()]++
	}
	return b.expectCounts(Drop{Cause: cause, Stage: stage, Dst: dst}, counts, counters)
}

// expectForward is one drop for each of clients of what the server should have
// forwarded, and the counters.
func (b *bench) expectForward(cause, stage string, dst netip.AddrPort, clients []netip.AddrPort, counters map[string]uint64) Expect {
	return b.forwarded(b.expect(cause, stage, dst, clients, counters))
}

// forwarded are drops of what the server should have forwarded.
func (b *bench) forwarded(e Expect) Expect {
	for i := range e.Drops {
		d := &e.Drops[i]
		d.Direction = event.Forward
		if d.Dst.Addr() == backend4 || d.Dst.Addr() == backend6 {
			d.Target = b.BackendNetns()
		}
	}
	return e
}

// expectCounts is like's drop as often as each source has it.
func (b *bench) expectCounts(like Drop, counts map[netip.Addr]uint64, counters map[string]uint64) Expect {
	e := Expect{Counters: counters}
	for _, src := range slices.SortedFunc(maps.Keys(counts), netip.Addr.Compare) {
		like.Src, like.Count, like.Netns = src, counts[src], b.inum
		e.Drops = append(e.Drops, like)
	}
	return e
}

// withCookies adds the notices that a SYN cookie was sent to each of clients.
func (b *bench) withCookies(e Expect, dst netip.AddrPort, clients []netip.AddrPort) Expect {
	n := b.expect("syn-cookie-sent", "", dst, clients, map[string]uint64{"TcpExtSyncookiesSent": uint64(len(clients))})
	for i := range n.Drops {
		n.Drops[i].Notice = true
	}
	return merge(e, n)
}

// merge is all of several expectations of different addresses.
func merge(all ...Expect) Expect {
	out := Expect{Counters: map[string]uint64{}}
	for _, e := range all {
		out.Drops = append(out.Drops, e.Drops...)
		for name, n := range e.Counters {
			out.Counters[name] += n
		}
	}
	maps.DeleteFunc(out.Counters, func(_ string, n uint64) bool { return n == 0 })
	return out
}
