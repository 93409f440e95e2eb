// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"bufio"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
)

const (
	featQueue = "nf_tables queue"
	featGenID = "conntrack extension generations"
)

// insertAttempts bounds how often the moment may be missed.
const insertAttempts = 20

// conntrackInsertFailed makes entries stale before they are inserted, the one
// failure of nf_conntrack_core.c:__nf_conntrack_confirm that is neither a clash
// nor a long chain and that can be brought about. Removing a conntrack helper
// drops all queued packets, waits for a grace period, and then declares the
// entries of that time out of date (nf_ct_iterate_destroy). SYNs that are put
// into the queue while it waits, and released after it, cannot be inserted.
func conntrackInsertFailed(b *bench) Expect {
	ln := b.listen(64)
	failed, counters := b.staleInsertions(input, ln.addr)
	return b.expectCounts(Drop{Cause: "conntrack-insert-failed", Dst: ln.addr}, failed, counters)
}

// staleInsertions does so with SYNs to dst, which pass a chain with the queue, and
// returns how many of each source failed.
func (b *bench) staleInsertions(c chain, dst netip.AddrPort) (failed map[netip.Addr]uint64, counters map[string]uint64) {
	q := b.queue(c, dst.Port())
	b.flushConntrack()
	sent := map[netip.Addr]uint64{}
	failed = map[netip.Addr]uint64{}
	for i := 0; b.err == nil && len(failed) < 3; i++ {
		if i == insertAttempts {
			b.fail(errors.New("no SYN came between the queue's flush and the new generation"))
		}
		b.missGeneration(q, dst, i, sent)
		tracked := b.conntrackSources()
		for src, n := range sent {
			if n > tracked[src] {
				failed[src] = n - tracked[src]
			}
		}
	}
	var n uint64
	for _, f := range failed {
		n += f
	}
	return failed, map[string]uint64{"Conntrackinsert_failed": n}
}

// queue puts all packets to a port into a queue, after they are tracked.
func (b *bench) queue(c chain, port uint16) *nfqueue {
	if b.err != nil {
		return nil
	}
	num := uint16(b.id)
	q, err := openQueue(b.server, num)
	if err != nil {
		b.fail(err)
		return nil
	}
	b.undo = append(b.undo, q.conn.Close)
	undo, err := addRule(int(b.server.Fd()), c, b.id, toQueue(port, num))
	if err != nil {
		b.fail(err)
		return nil
	}
	b.undo = append(b.undo, undo)
	return q
}

func toQueue(port, num uint16) []expr.Any {
	rule := ToPort(port)[2:] // TCP and UDP alike
	return append(rule, track.nft[0], &expr.Queue{Num: num, Total: 1})
}

// missGeneration sends one SYN of each client into the queue as soon as a
// packet that waits there (of UDP, so that its drop is no record) is gone.
func (b *bench) missGeneration(q *nfqueue, dst netip.AddrPort, attempt int, sent map[netip.Addr]uint64) {
	b.fail(helper(b.server, helperNew, netlink.Create|netlink.Excl))
	b.sendCanary(dst)
	b.awaitPackets(1)
	if b.err != nil {
		return
	}
	removed := make(chan error, 1)
	go func() { removed <- helper(b.server, helperDel, 0) }()
	b.awaitPackets(0)
	for _, c := range b.clients() {
		c = netip.AddrPortFrom(c.Addr(), c.Port()+uint16(8*attempt))
		b.syns([]netip.AddrPort{c}, dst)
		sent[c.Addr()]++
	}
	b.sync()
	b.fail(<-removed)
	if b.err == nil {
		b.fail(q.release())
	}
	b.awaitPackets(0)
}

// awaitPackets spins, as the moment is short.
func (b *bench) awaitPackets(n int) {
	for b.err == nil {
		got, err := b.queuedPackets()
		b.fail(err)
		if got == n {
			return
		}
		if err := b.ctx.Err(); err != nil {
			b.fail(fmt.Errorf("wait for %d packets in the queue: %w", n, err))
		}
	}
}

// sendCanary sends a UDP datagram.
func (b *bench) sendCanary(dst netip.AddrPort) {
	if b.err != nil {
		return
	}
	frame, err := datagram(netip.AddrPortFrom(b.source(9), 20000), dst)
	if b.fail(err); b.err == nil {
		b.fail(b.send(frame))
	}
}

// probeGenID looks for the kernel's generation counter, which came with 5.19
// (commit c56716c69ce1) and went again, in stable kernels too.
func probeGenID(*os.File) error {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 2 && fields[2] == "nf_ct_ext_bump_genid" {
			return nil
		}
	}
	return errors.Join(lines.Err(), errors.New("on this kernel an insertion fails only for a clash or a long chain, or by chance in a race (no nf_ct_ext_bump_genid)"))
}

// probeQueue tries all that a queue and a helper need.
func probeQueue(ns *os.File) error {
	q, err := openQueue(ns, 0)
	if err != nil {
		return err
	}
	defer q.conn.Close()
	if err := probeRule(input, toQueue(1, 0)[2:])(ns); err != nil {
		return err
	}
	if err := helper(ns, helperNew, netlink.Create|netlink.Excl); err != nil {
		return err
	}
	return helper(ns, helperDel, 0)
}
