// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// forwardRoutes are packets that routing refuses: it does not know where to, may not,
// or will not.
var forwardRoutes = []Provocation{
	{
		Cause: "no-route", Families: []Family{V4, V6},
		Run: route(nil, noRoute),
	},
	{
		Cause: "no-route", Stage: "refused", Variant: "unreachable", Families: []Family{V4, V6},
		Run: route(nil, refusedBy(unix.RTN_UNREACHABLE)),
	},
	{
		Cause: "no-route", Stage: "refused", Variant: "prohibit", Families: []Family{V4, V6},
		Run: route(nil, refusedBy(unix.RTN_PROHIBIT)),
	},
	{
		Cause: "no-route", Stage: "refused", Variant: "blackhole", Families: []Family{V4, V6},
		Run: route(nil, refusedBy(unix.RTN_BLACKHOLE)),
	},
	{
		Cause: "forwarding-off", Families: []Family{V4, V6},
		Run: route(notForwarding, forwardingOff),
	},
	{
		Cause: "forwarding-off", Variant: "interface", Families: []Family{V4},
		Run: route(sysctls{"ipv4/conf/" + device + "/forwarding": "0"}, forwardingOff),
	},
	{
		Cause: "forwarding-off", Variant: "on-link", Families: []Family{V4, V6},
		Run: route(notForwarding, forwardingOffOnLink),
	},
	{
		Cause: "reverse-path-filter", Variant: "forward", Families: []Family{V4},
		Run: route(sysctls{rpFilter: "1"}, forwardReversePath),
	},
	{
		Cause: "martian-source", Variant: "forward", Families: []Family{V4},
		Run: route(nil, forwardMartian),
	},
}

// notForwarding is a host that is no router.
var notForwarding = sysctls{
	"ipv4/ip_forward":                            "0",
	"ipv4/conf/" + device + "/forwarding":        "0",
	"ipv4/conf/" + gatewayDevice + "/forwarding": "0",
	"ipv6/conf/all/forwarding":                   "0",
}

func (b *bench) eachSYN(clients []netip.AddrPort, dst netip.AddrPort) {
	b.eachSends(clients, segment{dst: dst, flags: syn, seq: clientISN})
}

// beyond is an address of the run's own that the server has no route to.
func (b *bench) beyond() netip.AddrPort {
	a := b.source(1).AsSlice()
	a[1] = 2 // 10.2.x.1, fd02::x:0:1
	addr, _ := netip.AddrFromSlice(a)
	return netip.AddrPortFrom(addr, b.reserve().Port())
}

// net/ipv4/route.c:ip_error, net/ipv6/route.c:ip6_pkt_discard
func noRoute(b *bench) Expect {
	dst, clients := b.beyond(), b.clients()
	b.eachSYN(clients, dst)
	return b.expectForward("no-route", "", dst, clients, b.noRoutes(len(clients)))
}

func (b *bench) noRoutes(n int) map[string]uint64 {
	name := strings.Replace(b.ipCounter("InNoRoutes"), "Ip", "IpExt", 1)
	if b.f == V6 {
		name = b.ipCounter("InNoRoutes")
	}
	return map[string]uint64{name: uint64(n)}
}

// refusedBy has a route say no. IPv4 counts no missing route then; IPv6 does, but for a
// blackhole, where the packet dies without a word (net/core/dst.c:dst_discard).
func refusedBy(kind int) func(*bench) Expect {
	return func(b *bench) Expect {
		dst, clients := b.beyond(), b.clients()
		b.serverRoute(&netlink.Route{Type: kind, Dst: ipNet(netip.PrefixFrom(dst.Addr(), dst.Addr().BitLen()))})
		b.eachSYN(clients, dst)
		var counters map[string]uint64
		if b.f == V6 && kind != unix.RTN_BLACKHOLE {
			counters = b.noRoutes(len(clients))
		}
		return b.expectForward("no-route", "refused", dst, clients, counters)
	}
}

// serverRoute adds a route to the server's, until the end.
func (b *bench) serverRoute(r *netlink.Route) {
	h := b.serverNetlink()
	if h == nil {
		return
	}
	if err := h.RouteAdd(r); err != nil {
		b.fail(joinErr("add route", err))
		return
	}
	b.undo = append(b.undo, func() error { return joinErr("remove route", h.RouteDel(r)) })
}

// forwardingOff: net/ipv4/route.c:ip_error, net/ipv6/ip6_output.c:ip6_forward
func forwardingOff(b *bench) Expect {
	return b.forwardingOffTo(netip.AddrPortFrom(backendAddr(b.f), b.reserve().Port()))
}

// forwardingOffOnLink sends SYNs to an address of the server's own network that it does
// not have.
func forwardingOffOnLink(b *bench) Expect {
	return b.forwardingOffTo(netip.AddrPortFrom(b.onLink([]netip.AddrPort{b.reserve()})[0].Addr(), b.reserve().Port()))
}

func (b *bench) forwardingOffTo(dst netip.AddrPort) Expect {
	clients := b.clients()
	b.eachSYN(clients, dst)
	return b.expectForward("forwarding-off", "", dst, clients, map[string]uint64{b.ipCounter("InAddrErrors"): uint64(len(clients))})
}

// forwardReversePath sends SYNs for the backend from where the server has no route to.
func forwardReversePath(b *bench) Expect {
	dst, clients := b.backendReserve(), unroutedAll(b.clients())
	b.eachSYN(clients, dst)
	return b.expectForward("reverse-path-filter", "", dst, clients,
		map[string]uint64{"TcpExtIPReversePathFilter": uint64(len(clients))})
}

func forwardMartian(b *bench) Expect {
	dst, clients := b.backendReserve(), b.martians()
	b.eachSYN(clients, dst)
	return b.expectForward("martian-source", "", dst, clients, nil)
}
