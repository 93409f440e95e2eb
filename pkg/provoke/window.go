// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"strings"

	"golang.org/x/sys/unix"
)

var window = []Provocation{
	{
		Cause: "out-of-window", Stage: "beyond-window", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults, beyondWindow),
	},
	{
		Cause: "out-of-window", Stage: "old", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults, oldSequence),
	},
	{
		Cause: "out-of-window", Stage: "zero-window", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults, zeroWindow),
	},
}

// net/ipv4/tcp_input.c:tcp_sequence
func beyondWindow(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	for i, p := range b.rawPeers(clients, ln) {
		server := b.accept(ln, i)
		p.seq += 10000000
		b.transmit(p.next(psh|ack, "hello"))
		b.sync()
		server.reset()
	}
	return b.expect("out-of-window", "beyond-window", ln.addr, clients, b.ifCounted("TcpExtBeyondWindow", len(clients)))
}

// oldSequence sends data again that was acknowledged before the last time:
// tcp_sequence, too.
func oldSequence(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	for i, p := range b.rawPeers(clients, ln) {
		server := b.accept(ln, i)
		first := p.next(psh|ack, "hello")
		b.transmit(first)
		server.read("hello")
		b.transmit(p.next(psh|ack, "world"))
		server.read("world")
		b.awaitACK(p)
		b.transmit(first)
		b.sync()
		server.reset()
	}
	return b.expect("out-of-window", "old", ln.addr, clients, nil)
}

// zeroWindow sends data that fits in sequence but for which the server has left
// no room: net/ipv4/tcp_input.c:tcp_data_queue. The receive queue is empty, as
// otherwise newer kernels (6.16) find the segment beyond the window before.
func zeroWindow(b *bench) Expect {
	ln, clients := b.listenWith(8, 0, smallBuffer), b.clients()
	for i, p := range b.rawPeers(clients, ln) {
		server := b.accept(ln, i)
		b.fillWindow(p)
		server.drain()
		b.transmit(p.next(psh|ack, "!"))
		b.sync()
		server.reset()
	}
	return b.expect("out-of-window", "zero-window", ln.addr, clients, map[string]uint64{"TcpExtTCPZeroWindowDrop": uint64(len(clients))})
}

func smallBuffer(fd int) error { return setReceiveBuffer(fd, 8192) }

// fillWindow sends data until the server offers no room any more.
func (b *bench) fillWindow(p *rawPeer) {
	for left := 1000; left > 0 && b.err == nil; {
		b.transmit(p.next(psh|ack, strings.Repeat("x", min(left, 1000))))
		left = int(b.awaitACK(p).window)
	}
}

// awaitACK waits until the server has acknowledged all that the peer has sent.
func (b *bench) awaitACK(p *rawPeer) (r reply) {
	if b.err != nil {
		return r
	}
	r, err := b.reply(b.ctx, func(r reply) bool { return r.dst == p.own && r.src == p.server && r.ack == p.seq })
	b.fail(joinErr("wait for the server's acknowledgement", err))
	return r
}

// drain reads all that is there without opening the window again, which a
// socket does not whose reading side is shut down (tcp_cleanup_rbuf).
func (s *stream) drain() {
	if s.b.err != nil {
		return
	}
	s.b.fail(joinErr("shut down", unix.Shutdown(s.fd, unix.SHUT_RD)))
	for s.b.err == nil {
		got, err := s.receive(1 << 16)
		s.b.fail(joinErr("read", err))
		if got == "" {
			return
		}
	}
}
