// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/synwatch/synwatch/pkg/event"
	"golang.org/x/sys/unix"
)

// ownAttempts is how many connections of its own the server tries.
const ownAttempts = 3

// peer is an address of the client, which no one listens on, for the server's own
// connections.
func (b *bench) peer() netip.AddrPort { return netip.AddrPortFrom(b.realClient(), 9) }

// ownConnects has the server connect to the client, each SYN of which dies of like.
func (b *bench) ownConnects(like Drop, counters map[string]uint64) Expect {
	return b.ownConnectsTo(b.peer(), like, counters)
}

func (b *bench) ownConnectsTo(to netip.AddrPort, like Drop, counters map[string]uint64) Expect {
	for range ownAttempts {
		b.connectOnce(to)
	}
	return b.expectOwn(to, like, counters)
}

// expectOwn is like's drop of each of our own SYNs.
func (b *bench) expectOwn(to netip.AddrPort, like Drop, counters map[string]uint64) Expect {
	like.Direction, like.Dst = event.Out, to
	return b.expectCounts(like, map[netip.Addr]uint64{b.serverAddr(b.f): ownAttempts}, counters)
}

// connectOnce has the server send a SYN, and gives up at once. What refuses the
// SYN may say so.
func (b *bench) connectOnce(to netip.AddrPort) {
	if b.err != nil {
		return
	}
	b.fail(b.ServerDo(func() error {
		fd, err := tcpSocket(b.f)
		if err != nil {
			return err
		}
		err = unix.Connect(fd, sockaddr(to))
		if errors.Is(err, unix.EINPROGRESS) || errors.Is(err, unix.ECONNREFUSED) {
			return closeAll(fd)
		}
		return errors.Join(fmt.Errorf("connect to %s: %w", to, err), closeAll(fd))
	}))
}
