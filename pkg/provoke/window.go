// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"os"
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
	{
		Cause: "out-of-window", Stage: "zero-window", Variant: "unread", Families: []Family{V4, V6, Mapped}, Needs: []string{featAnyEnd},
		Run: play(listenerDefaults, zeroWindowUnread),
	},
	{
		Cause: "out-of-window", Stage: "beyond-window", Variant: "unread", Families: []Family{V4, V6, Mapped}, Needs: []string{featCheckedEnd},
		Run: play(listenerDefaults, beyondWindowUnread),
	},
}

// Since Linux 6.16 or so tcp_sequence also looks where a segment ends.
const (
	featCheckedEnd = "check of a segment's end"
	featAnyEnd     = "segments that begin in the window and end behind it"
)

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
// otherwise newer kernels find that the segment ends beyond the window.
func zeroWindow(b *bench) Expect {
	return b.closedWindow("zero-window", "TcpExtTCPZeroWindowDrop", (*stream).drain)
}

// zeroWindowUnread is the same while the application does not read.
func zeroWindowUnread(b *bench) Expect {
	return b.closedWindow("zero-window", "TcpExtTCPZeroWindowDrop", func(*stream) {})
}

// beyondWindowUnread is what newer kernels make of that.
func beyondWindowUnread(b *bench) Expect {
	return b.closedWindow("beyond-window", "TcpExtBeyondWindow", func(*stream) {})
}

func (b *bench) closedWindow(stage, counter string, first func(*stream)) Expect {
	ln, clients := b.listenWith(8, 0, smallBuffer), b.clients()
	for i, p := range b.rawPeers(clients, ln) {
		server := b.accept(ln, i)
		b.fillWindow(p)
		first(server)
		b.transmit(p.next(psh|ack, "!"))
		b.sync()
		server.reset()
	}
	return b.expect("out-of-window", stage, ln.addr, clients, map[string]uint64{counter: uint64(len(clients))})
}

const endReason = "SKB_DROP_REASON_TCP_INVALID_END_SEQUENCE"

func probeCheckedEnd(*os.File) error {
	ok, err := kernelHas(endReason)
	if err == nil && !ok {
		err = errors.New("this kernel only looks where a segment begins (no " + endReason + ")")
	}
	return err
}

func probeAnyEnd(*os.File) error {
	ok, err := kernelHas(endReason)
	if err == nil && ok {
		err = errors.New("this kernel refuses them first (" + endReason + ")")
	}
	return err
}

func smallBuffer(fd int) error { return setReceiveBuffer(fd, 8192) }

// fullSegment is so large that the segments' memory, of which they waste less
// than the kernel reckons with, lasts until the window is full.
const fullSegment = 1400

// fillWindow sends data until the server offers no room any more.
func (b *bench) fillWindow(p *rawPeer) {
	for left := fullSegment; left > 0 && b.err == nil; {
		b.transmit(p.next(psh|ack, strings.Repeat("x", min(left, fullSegment))))
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
