// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/sockets"
	"golang.org/x/sys/unix"
)

// do runs fn in the host's namespace.
func (h *host) do(fn func() error) error { return netns.Inside(h.ns, fn) }

// listen opens a listener of the host.
func (h *host) listen(port uint16, backlog int) *listener {
	b := h.b
	ln := &listener{fd: -1, max: backlog, addr: netip.AddrPortFrom(h.addr, port)}
	if b.err != nil {
		return ln
	}
	b.fail(h.do(func() (err error) {
		ln.fd, err = tcpSocket(b.f)
		return err
	}))
	if b.err != nil {
		return ln
	}
	b.listeners = append(b.listeners, ln)
	b.fail(bindPort(ln.fd, b.f, port))
	if b.err == nil {
		b.fail(joinErr("listen", unix.Listen(ln.fd, backlog)))
	}
	return ln
}

// converse is two connections of the client to the host, with more data each way than
// fits into a segment, one closed and the other reset.
func (h *host) converse(ln *listener) {
	b := h.b
	for _, end := range []func(client, server *stream){(*stream).closeBefore, (*stream).resetBefore} {
		client, server := b.connected(ln)
		b.pump(client, server)
		b.pump(server, client)
		port := client.port()
		end(client, server)
		h.finished(port)
	}
}

// greet is a short connection of the client to the host.
func (h *host) greet(ln *listener) {
	client, server := h.b.connected(ln)
	client.write("ping")
	server.read("ping")
	port := client.port()
	client.closeBefore(server)
	h.finished(port)
}

// connected is a real connection of the client, accepted.
func (b *bench) connected(ln *listener) (client, server *stream) {
	client = b.stream(-1)
	if b.err == nil {
		client.fd = b.connectTo(ln.addr)
	}
	return client, b.accept(ln, 0)
}

// pumped is how much goes one way: many segments that are received as one.
const pumped = 1 << 19

// pump sends from one end of a connection to the other.
func (b *bench) pump(from, to *stream) {
	buf := make([]byte, 1<<16)
	sent, got := 0, 0
	for b.err == nil && got < pumped {
		if sent < pumped {
			n, err := unix.Write(from.fd, buf[:min(len(buf), pumped-sent)])
			if err == nil {
				sent += n
			} else if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
				b.fail(joinErr("write", err))
			}
		}
		if got == sent {
			continue
		}
		text, err := to.receive(len(buf))
		got += len(text)
		if err == nil && text == "" {
			err = fmt.Errorf("the connection ended after %d bytes", got)
		}
		b.fail(joinErr("read", err))
	}
}

// finished waits until the connection from a port is closed, or in TIME_WAIT, at both
// ends.
func (h *host) finished(port uint16) {
	live := func(e sockets.Entry) bool {
		return e.State != sockets.TimeWait && e.State != sockets.Listen && (e.Local.Port() == port || e.Remote.Port() == port)
	}
	for _, do := range []func(func() error) error{h.do, h.b.ClientDo} {
		if h.b.err != nil {
			return
		}
		h.b.fail(until(h.b.ctx, "the connection to end", func() (bool, error) {
			table, err := entries(do)
			return !slices.ContainsFunc(table, live), err
		}))
	}
}
