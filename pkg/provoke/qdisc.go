// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"os"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	featShaper = "tc queue"
	featTBF    = "tc tbf"
)

// qdiscFull are drops of a queueing discipline that has no room for more.
var qdiscFull = []Provocation{
	{
		Cause: "qdisc-full", Families: []Family{V4, V6, Mapped}, Needs: []string{featNetem},
		Run: play(impatient.with(alone, "yes"), qdiscFullReply),
	},
	{
		Cause: "qdisc-full", Variant: "shaper", Families: []Family{V4, V6, Mapped}, Needs: []string{featShaper},
		Run: play(impatient.with(alone, "yes"), qdiscShapedReply),
	},
	{
		Cause: "qdisc-full", Variant: "own-connect", Families: []Family{V4, V6}, Needs: []string{featShaper},
		Run: play(sysctls{alone: "yes"}, qdiscOwnConnect),
	},
	{
		Cause: "qdisc-full", Variant: "forward", Families: []Family{V4, V6}, Needs: []string{featNetem},
		Run: route(listenerDefaults.with(alone, "yes"), qdiscFullForward),
	},
	{
		Cause: "qdisc-full", Variant: "forward/shaper", Families: []Family{V4, V6}, Needs: []string{featShaper},
		Run: route(sysctls{alone: "yes"}, qdiscShapedForward),
	},
}

const (
	// qdiscHolds is how many packets a full queue holds, and for how long: they must
	// all still be there when the last one is sent.
	qdiscHolds    = 3
	qdiscHoldTime = time.Second
)

// qdiscFullReply has a queue that holds its packets back, and takes but three of
// our SYN-ACKs. Those arrive late; the others die.
func qdiscFullReply(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	first := b.fillers(qdiscHolds)
	b.startTap()
	b.shape(b.serverIndex, heldBack)
	b.syns(first, ln.addr)
	b.syns(clients, ln.addr)
	b.sync()
	for _, c := range first {
		b.await(syn|ack, ln.addr, c)
	}
	b.awaitExpiry()
	return merge(b.expect("qdisc-full", "", ln.addr, clients, nil), b.expired(ln, append(first, clients...)))
}

// qdiscShapedReply has a shaper without room for one packet.
func qdiscShapedReply(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	b.leaveNoRoom(b.serverIndex)
	b.syns(clients, ln.addr)
	b.awaitExpiry()
	return merge(b.expect("qdisc-full", "", ln.addr, clients, nil), b.expired(ln, clients))
}

func qdiscOwnConnect(b *bench) Expect {
	b.leaveNoRoom(b.serverIndex)
	return b.ownConnects(Drop{Cause: "qdisc-full"}, nil)
}

// qdiscFullForward has the queue towards the backend hold back three SYNs, whose
// SYN-ACKs come in the end.
func qdiscFullForward(b *bench) Expect {
	ln, clients := b.backendListen(8), b.clients()
	first := b.fillers(qdiscHolds)
	b.startTap()
	b.shape(b.behind.gatewayIndex, heldBack)
	b.syns(first, ln.addr)
	b.syns(clients, ln.addr)
	for _, c := range first {
		b.await(syn|ack, ln.addr, c)
	}
	return b.expectForward("qdisc-full", "", ln.addr, clients, nil)
}

// qdiscShapedForward has a shaper towards the backend without room for one packet.
func qdiscShapedForward(b *bench) Expect {
	ln, clients := b.backendListen(8), b.clients()
	b.leaveNoRoom(b.behind.gatewayIndex)
	b.syns(clients, ln.addr)
	return b.expectForward("qdisc-full", "", ln.addr, clients, nil)
}

// heldBack is a queue of qdiscHolds packets: net/sched/sch_netem.c:netem_enqueue.
func heldBack(attrs netlink.QdiscAttrs) netlink.Qdisc {
	return netlink.NewNetem(attrs, netlink.NetemQdiscAttrs{Latency: uint32(qdiscHoldTime.Microseconds()), Limit: qdiscHolds})
}

// withoutRoom has a queue of one byte behind a rate that a packet would not
// exceed: net/sched/sch_fifo.c:bfifo_enqueue.
func withoutRoom(attrs netlink.QdiscAttrs) netlink.Qdisc {
	return &netlink.Tbf{QdiscAttrs: attrs, Rate: 1 << 20, Buffer: 1 << 20, Limit: 1}
}

// shape gives a device of the server another queueing discipline.
func (b *bench) shape(index int, kind func(netlink.QdiscAttrs) netlink.Qdisc) {
	b.queueing(func() (func() error, error) { return addQdisc(b.server, index, kind) })
}

// leaveNoRoom gives it one that takes no packet.
func (b *bench) leaveNoRoom(index int) {
	b.queueing(func() (func() error, error) { return leaveNoRoom(b.server, index) })
}

func (b *bench) queueing(add func() (undo func() error, err error)) {
	if b.err != nil {
		return
	}
	undo, err := add()
	if err != nil {
		b.fail(err)
		return
	}
	b.undo = append(b.undo, undo)
}

func addQdisc(ns *os.File, index int, kind func(netlink.QdiscAttrs) netlink.Qdisc) (undo func() error, err error) {
	h, err := netns.Netlink(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	q := kind(netlink.QdiscAttrs{LinkIndex: index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT})
	if err := h.QdiscAdd(q); err != nil {
		h.Close()
		return nil, joinErr("add "+q.Type(), err)
	}
	return func() error {
		defer h.Close()
		return joinErr("remove "+q.Type(), h.QdiscDel(q))
	}, nil
}

func probeShaper(ns *os.File) error {
	const lo = 1
	undo, err := leaveNoRoom(ns, lo)
	if err != nil {
		return err
	}
	return undo()
}
