// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// Benign is traffic that a tracer must not report as drops, though the kernel
// frees some of its packets the way it frees dropped ones.
func Benign() []Harmless {
	all := []Harmless{
		{Name: "defer-accept", Run: benign(listenerDefaults, deferAccept)},
		{Name: "retransmitted-syn", Run: benign(listenerDefaults, retransmittedSYN)},
		{Name: "accepted-cookie", Run: benign(listenerDefaults.with("ipv4/tcp_syncookies", "2"), acceptedCookie)},
		{Name: "tap", Run: benign(listenerDefaults, tapped)},
		{Name: "other-host", Run: benign(nil, otherHost)},
		{Name: "old-data", Run: benign(listenerDefaults, oldData)},
		{Name: "keepalive", Run: benign(listenerDefaults, keepalive)},
		{Name: "passing-icmp-error", Run: benign(listenerDefaults, passingICMPError)},
		{Name: "client-closes-first", Run: benign(listenerDefaults, clientCloses)},
		{Name: "server-closes-first", Run: benign(listenerDefaults, serverCloses)},
		{Name: "both-close-at-once", Run: benign(listenerDefaults, bothClose)},
		{Name: "client-resets", Run: benign(listenerDefaults, clientResets)},
		{Name: "server-resets", Run: benign(listenerDefaults, serverResets)},
		{Name: "stray-reset", Run: benign(listenerDefaults, strayReset)},
		{Name: "retransmitted-fin", Run: benign(listenerDefaults, retransmittedFIN)},
		{Name: "idle-listener", Run: benign(nil, idleListener)},
	}
	for i := range all {
		all[i].Families = []Family{V4, V6, Mapped}
	}
	return slices.Concat(all, forwardedBenign(), passingBenign())
}

// benign makes a Run of steps that expect nothing.
func benign(settings sysctls, steps func(*bench)) func(context.Context, *Lab, Family) error {
	return expectNothing(play, settings, steps)
}

// expectNothing has play, or route, make the Run.
func expectNothing(play player, settings sysctls, steps func(*bench)) func(context.Context, *Lab, Family) error {
	run := play(settings, func(b *bench) Expect {
		steps(b)
		return Expect{}
	})
	return func(ctx context.Context, l *Lab, f Family) error {
		_, err := run(ctx, l, f)
		return err
	}
}

// deferAccept: net/ipv4/tcp_minisocks.c:tcp_check_req frees the bare ACK, and
// waits for data.
func deferAccept(b *bench) {
	ln := b.listen(8)
	if b.err == nil {
		b.fail(unix.SetsockoptInt(ln.fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 30))
	}
	for _, r := range b.open(b.clients(), ln.addr) {
		b.transmit(r.answer())
		withData := r.answer()
		withData.flags |= psh
		withData.payload = []byte("hello")
		b.transmit(withData)
	}
	b.awaitQueued(ln, len(b.clients()))
}

// retransmittedSYN: tcp_check_req frees it, and sends the SYN-ACK again.
func retransmittedSYN(b *bench) {
	ln, clients := b.listen(8), b.clients()
	b.open(clients, ln.addr)
	b.open(clients, ln.addr)
}

func acceptedCookie(b *bench) {
	ln, clients := b.listen(8), b.clients()
	b.finish(b.open(clients, ln.addr))
	b.awaitQueued(ln, len(clients))
}

// tapped has packet sockets see all traffic: some that are full after the first
// packets, and some whose filter refuses it. Those of one protocol come after the
// kernel's own handler (net/core/dev.c:__netif_receive_skb_core), and the first of
// these has the last reference to the packet.
func tapped(b *bench) {
	b.tapAll(b.serverIndex)
	ln, clients := b.listen(8), b.clients()
	b.finish(b.open(clients, ln.addr))
	b.awaitQueued(ln, len(clients))
	clientCloses(b)
}

func (b *bench) tapAll(ifindex int) {
	for _, proto := range []uint16{unix.ETH_P_ALL, unix.ETH_P_IP, unix.ETH_P_IPV6} {
		b.tap(ifindex, proto, tinyBuffer)
		b.tap(ifindex, proto, refuseAll)
	}
}

// tap opens a packet socket on one of the server's interfaces that spoil makes unable
// to receive, so that it drops its clone of every packet.
func (b *bench) tap(ifindex int, proto uint16, spoil func(fd int) error) {
	if b.err != nil {
		return
	}
	b.fail(b.ServerDo(func() error {
		fd, err := packetSocket(ifindex, proto)
		if err != nil {
			return err
		}
		b.undo = append(b.undo, func() error { return closeAll(fd) })
		return spoil(fd)
	}))
}

func refuseAll(fd int) error {
	none := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
	err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &none[0]})
	if err != nil {
		return fmt.Errorf("attach filter: %w", err)
	}
	return nil
}

func tinyBuffer(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 1); err != nil {
		return fmt.Errorf("set receive buffer: %w", err)
	}
	return nil
}

// otherHost sends SYNs in frames that are for another host.
func otherHost(b *bench) {
	b.eachSends(b.clients(), segment{dst: b.reserve(), flags: syn, seq: clientISN, dstMAC: ghostMAC})
}

// oldData sends data twice, then some of it once more, and an ACK again.
func oldData(b *bench) {
	ln := b.listen(8)
	for i, p := range b.rawPeers(b.clients(), ln) {
		server := b.accept(ln, i)
		hello := p.next(psh|ack, "hello")
		b.transmit(hello)
		server.read("hello")
		b.transmit(hello)
		b.transmit(segment{src: p.own, dst: p.server, flags: ack, seq: hello.seq + 2, ack: p.ack, payload: []byte("llo")})
		b.transmit(p.next(ack, ""))
		b.transmit(p.next(ack, ""))
		b.sync()
		server.reset()
	}
}

// keepalive sends what keepalives and probes of a closed window are: empty, and
// just before the window, to be answered. tcp_sequence refuses them as it does
// old data.
func keepalive(b *bench) {
	ln := b.listen(8)
	for i, p := range b.rawPeers(b.clients(), ln) {
		server := b.accept(ln, i)
		b.transmit(p.next(psh|ack, "hello"))
		server.read("hello")
		b.awaitACK(p)
		probe := p.next(ack, "")
		probe.seq--
		b.transmit(probe)
		b.awaitACK(p)
		b.transmit(probe)
		b.awaitACK(p)
		server.reset()
	}
}

// passingICMPError sends errors that end no handshake: for their kind, or since
// they are about no segment that the server sent.
func passingICMPError(b *bench) {
	ln, clients := b.listen(8), b.clients()
	replies := b.open(clients, ln.addr)
	for _, r := range replies {
		b.transmitICMPError(r, passing)
		r.seq++
		b.transmitICMPError(r, fatal)
	}
	b.finish(replies)
	b.awaitQueued(ln, len(clients))
}

// strayReset sends RSTs that belong to no connection, which nothing answers.
func strayReset(b *bench) {
	b.eachSends(b.clients(), segment{dst: b.reserve(), flags: rst, seq: clientISN})
}

func idleListener(b *bench) {
	for range 3 {
		b.listen(8)
	}
}
