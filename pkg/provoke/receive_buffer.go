// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// How many segments these drop depends on what the kernel reckons a segment's
// memory as, and so the kernel is asked, after each client.
var receiveBuffer = []Provocation{
	{
		Cause: "receive-buffer-full", Stage: "ofo-prune", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults.with(alone, "yes"), receiveBufferPrune),
	},
	{
		Cause: "receive-buffer-full", Stage: "incoming", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults.with(alone, "yes"), receiveBufferIncoming),
	},
}

// receiveBufferSegments is what each connection is sent.
const receiveBufferSegments = 40

// receiveBufferPrune sends segments out of order, the last first: for each the
// kernel makes room by dropping the one that is furthest away
// (net/ipv4/tcp_input.c:tcp_prune_ofo_queue).
func receiveBufferPrune(b *bench) Expect {
	const all = 2 * receiveBufferSegments
	send := func(p *rawPeer, at int) {
		s := p.next(ack, "")
		s.seq += uint32(at)
		s.payload = []byte("x")
		b.transmit(s)
	}
	return b.tightBuffer("ofo-prune", "TcpExtOfoPruned", func(p *rawPeer) {
		for at := all; at > 0; at -= 2 { // gaps, so that none are merged
			send(p, at)
		}
	}, func(p *rawPeer, server *stream) {
		// What is still out of order would be dropped at the end of the
		// connection: have it received.
		b.fail(setReceiveBuffer(server.fd, 1<<16))
		for at := range all {
			send(p, at)
		}
		b.sync()
	})
}

// receiveBufferIncoming sends segments in order until one does not fit any more
// (net/ipv4/tcp_input.c:tcp_data_queue). The window, offered when the buffer was
// larger, has room for it; the answer closes it.
func receiveBufferIncoming(b *bench) Expect {
	const counter = "TcpExtTCPRcvQDrop"
	return b.tightBuffer("incoming", counter, func(p *rawPeer) {
		before := b.counter(counter)
		for range receiveBufferSegments {
			b.transmit(p.next(ack, strings.Repeat("x", 1000)))
			b.sync()
			if b.err != nil || b.counter(counter) != before {
				return
			}
		}
	}, func(*rawPeer, *stream) {})
}

// tightBuffer sends segments on connections whose buffer has become tiny, and
// has the counter say how many did not fit.
func (b *bench) tightBuffer(stage, counter string, sendTo func(*rawPeer), settle func(*rawPeer, *stream)) Expect {
	ln, clients := b.listen(8), b.clients()
	dropped := map[netip.Addr]uint64{}
	var total uint64
	for i, p := range b.rawPeers(clients, ln) {
		server := b.accept(ln, i)
		if b.err == nil {
			b.fail(setReceiveBuffer(server.fd, 1)) // the kernel has a minimum
		}
		n := b.moved(counter, func() { sendTo(p) })
		if n == 0 && b.err == nil {
			b.fail(fmt.Errorf("no segment from %s met a full receive buffer", p.own))
		}
		dropped[p.own.Addr()] += n
		total += n
		if b.err == nil {
			settle(p, server)
		}
		server.reset()
	}
	return b.expectCounts(Drop{Cause: "receive-buffer-full", Stage: stage, Dst: ln.addr}, dropped,
		map[string]uint64{counter: total})
}

// moved is by how much a counter has moved when the server has processed what
// do sent.
func (b *bench) moved(counter string, do func()) uint64 {
	before := b.counter(counter)
	do()
	b.sync()
	return b.counter(counter) - before
}

func setReceiveBuffer(fd, bytes int) error {
	return joinErr("set SO_RCVBUF", unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bytes))
}
