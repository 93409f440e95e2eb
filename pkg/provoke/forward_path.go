// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// forwardPath are packets that have a route, and do not get along it.
var forwardPath = []Provocation{
	{
		Cause: "packet-too-big", Families: []Family{V4, V6},
		Run: route(sysctls{alone: "yes"}, packetTooBig), // with a route that all share
	},
	{
		Cause: "hop-limit-exceeded", Families: []Family{V4, V6},
		Run: route(nil, hopLimitExceeded),
	},
	{
		Cause: "neighbour-unresolved", Variant: "forward", Families: []Family{V4, V6},
		Run: route(givingUp(gatewayDevice, "212992"), neighbourAway),
	},
	{
		Cause: "neighbour-unresolved", Variant: "forward/queue-full", Families: []Family{V4, V6},
		Run: route(givingUp(gatewayDevice, "1"), neighbourAway),
	},
}

// narrowMTU is that of the way to the backend. IPv6 wants 1280 at least.
const narrowMTU = 1300

// packetTooBig sends data that may not be fragmented and is longer than the MTU of the
// route (net/ipv4/ip_forward.c:ip_exceeds_mtu, net/ipv6/ip6_output.c:ip6_pkt_too_big).
// The MTU is locked, as for IPv6 else only the interface's counts
// (include/net/ip6_route.h:ip6_dst_mtu_maybe_forward).
func packetTooBig(b *bench) Expect {
	dst, clients := b.backendReserve(), b.clients()
	b.narrow(dst.Addr())
	data := []byte(strings.Repeat("x", narrowMTU))
	b.eachSends(clients, segment{dst: dst, flags: psh | ack, seq: clientISN + 1, ack: 77777777, payload: data})
	counter := b.ipCounter("FragFails")
	if b.f == V6 {
		counter = b.ipCounter("InTooBigErrors")
	}
	return b.expectForward("packet-too-big", "", dst, clients, map[string]uint64{counter: uint64(len(clients))})
}

// hopLimitExceeded sends SYNs that have come too far: ip_forward, ip6_forward.
func hopLimitExceeded(b *bench) Expect {
	dst, clients := b.backendReserve(), b.clients()
	b.eachSends(clients, segment{dst: dst, flags: syn, seq: clientISN, hops: 1})
	return b.expectForward("hop-limit-exceeded", "", dst, clients, map[string]uint64{b.ipCounter("InHdrErrors"): uint64(len(clients))})
}

// neighbourAway sends SYNs to a host behind the server that is gone. They wait for it,
// as far as the queue takes them, and die when it is given up.
func neighbourAway(b *bench) Expect {
	dst, clients := b.backendAway(), b.clients()
	b.eachSYN(clients, dst)
	b.sync()
	b.awaitGivenUp(b.behind.gatewayIndex, dst.Addr())
	return b.expectForward("neighbour-unresolved", "", dst, clients, nil)
}

// awaitGivenUp waits until the server has given a neighbour up, and then forgets it. It
// looks twice, as the kernel sets the state before it frees what has waited
// (net/core/neighbour.c:neigh_timer_handler).
func (b *bench) awaitGivenUp(index int, host netip.Addr) {
	if b.err != nil {
		return
	}
	h, err := netns.Netlink(b.server, unix.NETLINK_ROUTE)
	if err != nil {
		b.fail(err)
		return
	}
	defer h.Close()
	known, failed := false, 0
	b.fail(until(b.ctx, fmt.Sprintf("neighbour %s to be given up", host), func() (bool, error) {
		n, err := neighbourOf(h, index, host)
		if err != nil || n == nil {
			return known, err // the kernel has thrown it away since (neigh_periodic_work)
		}
		known = true
		if n.State != netlink.NUD_FAILED {
			return false, nil
		}
		if failed++; failed < 2 {
			return false, nil
		}
		return true, h.NeighDel(n)
	}))
}

// neighbourOf looks a neighbour up; there may be none.
func neighbourOf(h *netlink.Handle, index int, host netip.Addr) (*netlink.Neigh, error) {
	family := unix.AF_INET
	if host.Is6() {
		family = unix.AF_INET6
	}
	all, err := h.NeighList(index, family)
	if err != nil {
		return nil, fmt.Errorf("list neighbours: %w", err)
	}
	i := slices.IndexFunc(all, func(n netlink.Neigh) bool { return n.IP.Equal(host.AsSlice()) })
	if i < 0 {
		return nil, nil
	}
	return &all[i], nil
}
