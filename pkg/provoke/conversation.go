// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/synwatch/synwatch/pkg/sockets"
	"golang.org/x/sys/unix"
)

// stream is one end of an accepted connection.
type stream struct {
	b  *bench
	fd int
}

func (b *bench) stream(fd int) *stream {
	s := &stream{b, fd}
	b.undo = append(b.undo, func() error { return closeAll(s.fd) }) // if the run fails before
	return s
}

// pair is a real connection, accepted, with data exchanged both ways.
func (b *bench) pair() (client, server *stream) {
	return b.converse(b.listen(8))
}

// converse does so with a listener.
func (b *bench) converse(ln *listener) (client, server *stream) {
	if b.err != nil {
		return b.stream(-1), b.stream(-1)
	}
	client = b.stream(b.connectTo(ln.addr))
	server = b.accept(ln, 0)
	client.write("ping")
	server.read("ping")
	server.write("pong")
	client.read("pong")
	return client, server
}

// accept takes the oldest connection; i only says which in the error.
func (b *bench) accept(ln *listener, i int) *stream {
	if b.err != nil {
		return b.stream(-1)
	}
	if err := pollFD(b.ctx, ln.fd, unix.POLLIN); err != nil {
		b.fail(fmt.Errorf("accept connection %d: %w", i, err))
		return b.stream(-1)
	}
	fd, _, err := unix.Accept4(ln.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err != nil {
		b.fail(fmt.Errorf("accept connection %d: %w", i, err))
		return b.stream(-1)
	}
	return b.stream(fd)
}

func (s *stream) write(text string) {
	if s.b.err == nil {
		_, err := unix.Write(s.fd, []byte(text))
		s.b.fail(joinErr("write", err))
	}
}

// read waits for just this text; an empty one is the end of the stream.
func (s *stream) read(text string) {
	if s.b.err != nil {
		return
	}
	got, err := s.receive(max(len(text), 1))
	s.b.fail(joinErr("read", err))
	if s.b.err == nil && got != text {
		s.b.fail(fmt.Errorf("read %q instead of %q", got, text))
	}
}

func (s *stream) receive(atMost int) (string, error) {
	buf := make([]byte, atMost)
	for {
		if err := pollFD(s.b.ctx, s.fd, unix.POLLIN); err != nil {
			return "", err
		}
		n, err := unix.Read(s.fd, buf)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			continue
		}
		return string(buf[:max(n, 0)]), err
	}
}

// awaitReset waits until the other end's RST is there.
func (s *stream) awaitReset() {
	if s.b.err != nil {
		return
	}
	if _, err := s.receive(1); !errors.Is(err, unix.ECONNRESET) {
		s.b.fail(fmt.Errorf("wait for a reset: got %v", err))
	}
}

// send moves a long text to the other end.
func (s *stream) send(to *stream, text string) {
	var got strings.Builder
	for rest := text; s.b.err == nil && got.Len() < len(text); {
		n, err := unix.Write(s.fd, []byte(rest))
		if err != nil && !errors.Is(err, unix.EAGAIN) {
			s.b.fail(joinErr("write", err))
			return
		}
		rest = rest[max(n, 0):]
		part, err := to.receive(len(text))
		s.b.fail(joinErr("read", err))
		got.WriteString(part)
	}
	if s.b.err == nil && got.String() != text {
		s.b.fail(errors.New("read another text than was written"))
	}
}

func (s *stream) close() {
	if s.b.err == nil {
		s.b.fail(joinErr("close", closeAll(s.fd)))
		s.fd = -1
	}
}

// reset closes with a RST.
func (s *stream) reset() {
	if s.b.err == nil {
		s.b.fail(linger0(s.fd))
		s.close()
	}
}

// ports are those of the clients.
func ports(clients []netip.AddrPort) []uint16 {
	var out []uint16
	for _, c := range clients {
		out = append(out, c.Port())
	}
	return out
}

// finished waits until the connections with these client ports are closed, or
// in TIME_WAIT, at both ends.
func (b *bench) finished(clientPorts ...uint16) {
	if b.err != nil {
		return
	}
	live := func(e sockets.Entry) bool {
		return e.State != sockets.TimeWait && e.State != sockets.Listen && (slices.Contains(clientPorts, e.Local.Port()) || slices.Contains(clientPorts, e.Remote.Port()))
	}
	for _, do := range []func(func() error) error{b.ServerDo, b.ClientDo, b.atBackend} {
		b.fail(until(b.ctx, "the connection to end", func() (bool, error) {
			table, err := entries(do)
			return !slices.ContainsFunc(table, live), err
		}))
	}
}

func (s *stream) port() uint16 {
	if s.b.err != nil {
		return 0
	}
	port, err := localPort(s.fd)
	s.b.fail(err)
	return port
}

func clientCloses(b *bench) {
	client, server := b.pair()
	client.closeBefore(server)
}

// closeBefore closes the connection from this end, and then at the other.
func (s *stream) closeBefore(other *stream) {
	ends := []uint16{s.port(), other.port()}
	s.close()
	other.read("")
	other.close()
	s.b.finished(ends...)
}

// resetBefore resets the connection from this end, and then closes the other.
func (s *stream) resetBefore(other *stream) {
	s.reset()
	other.awaitReset()
	other.close()
}

// serverCloses: the client's FIN meets a TIME_WAIT socket, and
// net/ipv4/tcp_ipv4.c:tcp_v4_rcv frees it at discard_it with kfree_skb, as it frees drops.
func serverCloses(b *bench) {
	client, server := b.pair()
	server.closeBefore(client)
}

func clientResets(b *bench) {
	client, server := b.pair()
	client.resetBefore(server)
}

func serverResets(b *bench) {
	client, server := b.pair()
	server.resetBefore(client)
}

// rawPeer is the client's side of a connection made of raw segments.
type rawPeer struct {
	own, server netip.AddrPort
	seq, ack    uint32
	ts          *timestamps // of the next segment, where the connection uses them
}

// rawPeers complete a handshake each.
func (b *bench) rawPeers(clients []netip.AddrPort, ln *listener) []*rawPeer {
	return b.establish(b.open(clients, ln.addr), ln)
}

// establish completes the handshakes that were answered like this. The
// connections are then in the accept queue, in the same order.
func (b *bench) establish(replies []reply, ln *listener) []*rawPeer {
	b.finish(replies)
	b.awaitQueued(ln, len(replies))
	out := make([]*rawPeer, len(replies))
	for i, r := range replies {
		s := r.answer()
		out[i] = &rawPeer{own: s.src, server: ln.addr, seq: s.seq, ack: s.ack, ts: s.ts}
	}
	return out
}

// next is the peer's next segment.
func (p *rawPeer) next(flags tcpFlag, payload string) segment {
	s := segment{src: p.own, dst: p.server, flags: flags, seq: p.seq, ack: p.ack, payload: []byte(payload)}
	if p.ts != nil {
		ts := *p.ts
		s.ts = &ts
	}
	p.seq += uint32(len(payload))
	if flags&fin != 0 {
		p.seq++
	}
	return s
}

// bothClose: the FINs cross each other.
func bothClose(b *bench) {
	ln := b.listen(8)
	for i, p := range b.rawPeers(b.clients(), ln) {
		b.accept(ln, i).close()
		b.await(fin|ack, p.server, p.own)
		b.transmit(p.next(fin|ack, "")) // does not acknowledge the server's
		b.await(ack, p.server, p.own)
		p.ack++
		b.transmit(p.next(ack, ""))
	}
	b.sync()
	b.finished(ports(b.clients())...)
}

// retransmittedFIN meets a TIME_WAIT socket twice: TCP_TW_ACK of
// net/ipv4/tcp_minisocks.c:tcp_timewait_state_process.
func retransmittedFIN(b *bench) {
	ln := b.listen(8)
	for i, p := range b.rawPeers(b.clients(), ln) {
		b.accept(ln, i).close()
		b.await(fin|ack, p.server, p.own)
		p.ack++
		last := p.next(fin|ack, "")
		b.transmit(last)
		b.await(ack, p.server, p.own)
		b.transmit(last)
		b.await(ack, p.server, p.own)
	}
	b.finished(ports(b.clients())...)
}
