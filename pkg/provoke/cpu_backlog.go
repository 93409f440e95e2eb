// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"net/netip"
	"os"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

var cpuBacklog = []Provocation{
	{
		Cause: "cpu-backlog-full", Families: []Family{V4, V6}, Global: true, Needs: []string{featVeth, featNetem},
		Run: play(listenerDefaults.with(alone, "yes"), cpuBacklogFull),
	},
}

const (
	featNetem = "netem"

	cpuBacklogBurst    = 60
	cpuBacklogAttempts = 10
)

// cpuBacklogFull holds SYNs back until their time has come, and it comes for
// several at once: they are put into the CPU's backlog in one go, and it takes
// but three (net/core/dev.c:enqueue_to_backlog). A VXLAN device
// would put each in twice, first in its wrapping. Which ones is chance, and so the
// kernel is asked: a SYN without a request was dropped.
func cpuBacklogFull(b *bench) Expect {
	ln := b.listen(4096)
	sent := map[uint16]netip.Addr{} // by port, each of which is used once
	dropped := map[netip.Addr]uint64{}
	for n := 0; b.err == nil && len(dropped) < 3; n++ {
		if n == cpuBacklogAttempts {
			b.fail(errors.New("the CPU's backlog was never full"))
			break
		}
		b.burst(ln, sent)
		dropped = b.unanswered(ln, sent)
	}
	return b.expectCounts(Drop{Cause: "cpu-backlog-full", Dst: ln.addr}, dropped, nil)
}

// burst sends SYNs from three sources and returns when each is either received
// or dropped.
func (b *bench) burst(ln *listener, sent map[uint16]netip.Addr) {
	clients := make([]netip.AddrPort, cpuBacklogBurst)
	for i := range clients {
		port := uint16(10000 + len(sent))
		clients[i] = netip.AddrPortFrom(b.source([]int{1, 2, 2, 3, 3, 3}[i%6]), port)
		sent[port] = clients[i].Addr()
	}
	if b.err != nil {
		return
	}
	before := b.received()
	remove, err := b.delay(100 * time.Millisecond)
	if err != nil {
		b.fail(err)
		return
	}
	b.atomically("core/netdev_max_backlog", "2", func() {
		b.syns(clients, ln.addr)
		if b.err == nil {
			b.fail(until(b.ctx, "the burst to arrive", func() (bool, error) {
				return b.received() >= before+cpuBacklogBurst, b.err
			}))
		}
	})
	b.fail(remove())
	b.sync()
}

// atomically does something under another limit of the whole machine.
func (b *bench) atomically(name, value string, do func()) {
	var old string
	b.fail(atHome(func() (err error) { old, err = readSysctl(name); return err }))
	if b.err != nil {
		return
	}
	set := func(v string) error { return atHome(func() error { return writeSysctl(name, v) }) }
	b.fail(set(value))
	do()
	b.fail(set(old))
}

// received is how many packets have come to the server's device, the dropped
// ones too.
func (b *bench) received() uint64 {
	h, err := netns.Netlink(b.server, unix.NETLINK_ROUTE)
	if err != nil {
		b.fail(err)
		return 0
	}
	defer h.Close()
	link, err := h.LinkByIndex(b.serverIndex)
	if err != nil {
		b.fail(err)
		return 0
	}
	s := link.Attrs().Statistics
	return s.RxPackets + s.RxDropped
}

// unanswered counts by source the SYNs that made no request.
func (b *bench) unanswered(ln *listener, sent map[uint16]netip.Addr) map[netip.Addr]uint64 {
	table, err := entries(b.ServerDo)
	b.fail(err)
	has := map[uint16]bool{}
	for _, e := range table {
		if e.State == sockets.SynRecv && e.Local.Port() == ln.addr.Port() {
			has[e.Remote.Port()] = true
		}
	}
	out := map[netip.Addr]uint64{}
	for port, src := range sent {
		if !has[port] {
			out[src]++
		}
	}
	return out
}

// delay holds back what the client sends.
func (b *bench) delay(d time.Duration) (remove func() error, err error) {
	return addNetem(b.client, b.clientIndex, d)
}

func addNetem(ns *os.File, index int, d time.Duration) (remove func() error, err error) {
	h, err := netns.Netlink(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	attrs := netlink.QdiscAttrs{LinkIndex: index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT}
	q := netlink.NewNetem(attrs, netlink.NetemQdiscAttrs{Latency: uint32(d.Microseconds()), Limit: 10000})
	if err := h.QdiscAdd(q); err != nil {
		h.Close()
		return nil, joinErr("add netem", err)
	}
	return func() error {
		defer h.Close()
		return joinErr("remove netem", h.QdiscDel(q))
	}, nil
}

func probeNetem(ns *os.File) error {
	const lo = 1
	remove, err := addNetem(ns, lo, time.Millisecond)
	if err != nil {
		return err
	}
	return remove()
}
