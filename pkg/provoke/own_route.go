// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ownUnrouted has the server connect to where it has no route to. connect says so, and
// makes no packet: net/ipv4/tcp_ipv4.c:tcp_v4_connect, net/ipv6/ip6_output.c:ip6_dst_lookup_tail.
// There is no source address yet.
func ownUnrouted(b *bench) Expect {
	return b.failingConnects(netip.Addr{}, unix.ENETUNREACH, b.outNoRoutes())
}

// ownUnroutedBound does so with sockets that are bound to the server's address.
func ownUnroutedBound(b *bench) Expect {
	return b.failingConnects(b.serverAddr(b.f), unix.ENETUNREACH, b.outNoRoutes())
}

// ownRefusedBy has a route say no, which the kernel does not count.
func ownRefusedBy(kind int, says unix.Errno) func(*bench) Expect {
	return func(b *bench) Expect {
		to := b.beyond().Addr()
		b.serverRoute(&netlink.Route{Type: kind, Dst: ipNet(netip.PrefixFrom(to, to.BitLen()))})
		return b.failingConnects(netip.Addr{}, says, nil)
	}
}

func (b *bench) outNoRoutes() map[string]uint64 {
	return map[string]uint64{b.ipCounter("OutNoRoutes"): ownAttempts}
}

// failingConnects has the server connect from an address, if that is valid, and
// demands that each time it fails like this.
func (b *bench) failingConnects(from netip.Addr, says unix.Errno, counters map[string]uint64) Expect {
	to := b.beyond()
	for range ownAttempts {
		b.failingConnect(from, to, says)
	}
	if !from.IsValid() {
		from = unspecified(b.f)
	}
	like := Drop{Cause: "no-route", Stage: "connect", Direction: event.Out, Dst: to}
	return b.expectCounts(like, map[netip.Addr]uint64{from: ownAttempts}, counters)
}

func (b *bench) failingConnect(from netip.Addr, to netip.AddrPort, says unix.Errno) {
	if b.fail(b.ctx.Err()); b.err != nil {
		return
	}
	b.fail(b.ServerDo(func() error {
		fd, err := tcpSocket(b.f)
		if err != nil {
			return err
		}
		if from.IsValid() {
			err = joinErr("bind", unix.Bind(fd, sockaddr(netip.AddrPortFrom(from, 0))))
		}
		if err == nil {
			if got := unix.Connect(fd, sockaddr(to)); !errors.Is(got, says) {
				err = fmt.Errorf("connect to %s says %v, not %v", to, got, says)
			}
		}
		return errors.Join(err, closeAll(fd))
	}))
}

// unspecified is the address of a socket that has none.
func unspecified(f Family) netip.Addr {
	if f == V6 {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}
