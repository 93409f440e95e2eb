// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

var socketBacklog = []Provocation{
	{
		Cause: "socket-backlog-full", Families: []Family{V4, V6, Mapped}, Needs: []string{featUserfault},
		Run: play(timestamped.with(alone, "yes"), socketBacklogFull),
	},
}

// socketBacklogSegments is what each connection is sent: the backlog takes some
// 64 KB more than the buffers (net/ipv4/tcp_ipv4.c:tcp_add_backlog), and an
// empty segment counts for 500 bytes or more.
const socketBacklogSegments = 200

// socketBacklogFull has the application hold a connection's lock: its read waits
// for a page of its own memory. Meanwhile ACKs come, each with another timestamp,
// since the kernel merges those that are equal. How many fit depends on what it
// reckons a segment's memory as, and so its counter is asked.
func socketBacklogFull(b *bench) Expect {
	const counter = "TcpExtTCPBacklogDrop"
	ln, clients := b.listen(8), b.clients()
	dropped := map[netip.Addr]uint64{}
	var total uint64
	for i, p := range b.stampedPeers(clients, ln) {
		server := b.accept(ln, i)
		b.shrink(server)
		b.transmit(p.next(psh|ack, "hello"))
		b.sync()
		release := b.stuckRead(server)
		n := b.moved(counter, func() {
			for range socketBacklogSegments {
				p.ts.val++
				b.transmit(p.next(ack, ""))
			}
		})
		if n == 0 && b.err == nil {
			b.fail(fmt.Errorf("no segment from %s met a full backlog", p.own))
		}
		dropped[p.own.Addr()] += n
		total += n
		b.fail(release())
		server.reset()
	}
	return b.expectCounts(Drop{Cause: "socket-backlog-full", Dst: ln.addr}, dropped, map[string]uint64{counter: total})
}

// shrink makes a connection's buffers as small as the kernel lets it.
func (b *bench) shrink(s *stream) {
	for _, name := range []int{unix.SO_RCVBUF, unix.SO_SNDBUF} {
		if b.err == nil {
			b.fail(joinErr("set buffer", unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, name, 1)))
		}
	}
}

// stuckRead begins to read from a connection that has data, into a page that is
// not there, and returns when the kernel waits for the page. The returned
// function ends the read; it is safe to call again.
func (b *bench) stuckRead(s *stream) (release func() error) {
	if b.err != nil {
		return func() error { return nil }
	}
	page, err := newFaultingPage()
	if err != nil {
		b.fail(err)
		return func() error { return nil }
	}
	done := make(chan error, 1)
	go func() {
		_, err := unix.Read(s.fd, page.mem)
		done <- joinErr("read into the late page", err)
	}()
	released := false
	release = func() error {
		if released {
			return nil
		}
		released = true
		return errors.Join(page.provide(), <-done, page.close())
	}
	b.undo = append(b.undo, release)
	b.fail(joinErr("wait for the page fault", pollFD(b.ctx, page.fd, unix.POLLIN)))
	return release
}
