// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// listen opens a listener on a fresh port. Its queue holds backlog+1
// connections: full is sk_ack_backlog > sk_max_ack_backlog.
func (b *bench) listen(backlog int) *listener { return b.listenWith(backlog, 0, nil) }

// listenWith does so with a socket of another protocol than TCP's, or with
// options that must be set before.
func (b *bench) listenWith(backlog, proto int, set func(fd int) error) *listener {
	ln := &listener{fd: -1, max: backlog}
	if b.err != nil {
		return ln
	}
	fd, addr, err := b.boundProto(b.f, proto)
	if err != nil {
		b.fail(err)
		return ln
	}
	ln.fd, ln.addr = fd, addr
	b.listeners = append(b.listeners, ln)
	if set != nil {
		b.fail(set(fd))
	}
	b.fail(unix.Listen(fd, backlog))
	return ln
}

// reserve returns an address of the server that nothing listens on, and that
// nothing else will.
func (b *bench) reserve() netip.AddrPort {
	if b.err != nil {
		return netip.AddrPort{}
	}
	fd, addr, err := b.bound(b.f)
	if err != nil {
		b.fail(err)
		return addr
	}
	b.undo = append(b.undo, func() error { return closeAll(fd) })
	return addr
}

// connect makes n real connections, which stay in the accept queue.
func (b *bench) connect(ln *listener, n int) {
	for range n {
		if b.err != nil {
			return
		}
		before, err := ln.queued()
		b.fail(err)
		b.dial(ln.addr)
		b.awaitQueued(ln, before+1)
	}
}

// overfill fills the accept queue, to one more than the backlog.
func (b *bench) overfill(ln *listener) { b.connect(ln, ln.max+1) }

// awaitQueued waits until the accept queue holds n connections.
func (b *bench) awaitQueued(ln *listener, n int) {
	if b.err != nil {
		return
	}
	b.fail(until(b.ctx, fmt.Sprintf("%d connections in the accept queue", n), func() (bool, error) {
		got, err := ln.queued()
		return got == n, err
	}))
}

// dial makes one real connection, which stays in the accept queue.
func (b *bench) dial(to netip.AddrPort) {
	if b.err == nil {
		b.dialed = append(b.dialed, b.connectTo(to))
	}
}

// connectTo makes one real connection.
func (b *bench) connectTo(to netip.AddrPort) int {
	f := V4
	if to.Addr().Is6() {
		f = V6
	}
	fd, err := tcpSocket(f)
	if err != nil {
		b.fail(err)
		return -1
	}
	if err := unix.Connect(fd, sockaddr(to)); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		b.fail(fmt.Errorf("connect to %s: %w", to, err))
		return fd
	}
	b.fail(pollFD(b.ctx, fd, unix.POLLOUT))
	errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil || errno != 0 {
		b.fail(fmt.Errorf("connect to %s: %w", to, errors.Join(err, unix.Errno(errno))))
	}
	return fd
}

// realClient is the address of the real connections.
func (b *bench) realClient() netip.Addr {
	if b.f == V6 {
		return client6
	}
	return client4
}

// realClients stand for n connections of the client's own address.
func (b *bench) realClients(n int) []netip.AddrPort {
	out := make([]netip.AddrPort, n)
	for i := range out {
		out[i] = netip.AddrPortFrom(b.realClient(), 0)
	}
	return out
}
