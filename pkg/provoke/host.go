// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
)

// host is a network namespace of a run's own. Its one device, veth0, leads to a
// device of the server's.
type host struct {
	b       *bench
	ns      *os.File
	inum    uint32
	mac     net.HardwareAddr
	nearMAC net.HardwareAddr // of the server's end
	near    netlink.Link     // the server's end
	addr    netip.Addr
}

// silent are a new namespace's settings for devices that send nothing by themselves.
// A multicast report that came before the server's device has the routes for it would
// be a packet without a route.
var silent = sysctls{
	"ipv4/conf/all/rp_filter":                "0",
	"ipv4/conf/default/rp_filter":            "0",
	"ipv6/conf/default/disable_ipv6":         "1",
	"ipv6/conf/default/accept_dad":           "0",
	"ipv6/conf/default/accept_ra":            "0",
	"ipv6/conf/default/router_solicitations": "0",
}

// host makes the i-th host of the run and the server's device that leads to it,
// which has no address and no master yet.
func (b *bench) host(server *wiring, i int) *host {
	h := &host{b: b, near: &netlink.Dummy{}}
	h.mac, h.nearMAC = b.mac(2*i), b.mac(2*i+1)
	if b.err != nil {
		return h
	}
	ns, err := netns.New()
	if err != nil {
		b.fail(err)
		return h
	}
	h.ns = ns
	b.undo = append(b.undo, ns.Close)
	id, err := netns.IDOf(ns)
	b.fail(err)
	h.inum = id.Inode
	near := plug{b.Lab.server, b.deviceName("v", i), h.nearMAC}
	far := b.wiringIn(ns)
	far.sysctls(silent)
	server.cable(near, plug{ns, device, h.mac})
	for _, name := range []string{"lo", device} {
		link := far.link(name)
		far.do("set "+name+" up", func() error { return far.h.LinkSetUp(link) })
	}
	server.awaitUp(near.device)
	far.awaitUp(device)
	h.near = server.link(near.device)
	return h
}

// has gives the host an address and the way to the server at another one.
func (h *host) has(own, gateway netip.Addr, gatewayMAC net.HardwareAddr) {
	h.addr = own
	far := h.b.wiringIn(h.ns)
	link := far.link(device)
	if own.Is6() {
		far.sysctls(sysctls{"ipv6/conf/" + device + "/disable_ipv6": "0"})
	}
	far.address(link, own)
	if !gateway.IsValid() {
		return
	}
	far.neighbour(link, gateway, gatewayMAC)
	all := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	if own.Is6() {
		all = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	far.route(netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(all), Gw: gateway.AsSlice()})
}

// deviceName is a name of the run's own.
func (b *bench) deviceName(kind string, i int) string {
	return fmt.Sprintf("%s%d.%d", kind, b.id, i)
}

// mac is a hardware address of the run's own.
func (b *bench) mac(i int) net.HardwareAddr {
	return net.HardwareAddr{2, 0, 1, byte(b.id >> 8), byte(b.id), byte(i)}
}

// networks numbers the runs of all labs: a namespace that outlives a run's would be taken
// for the one that a packet was for, if it had the same address.
var networks atomic.Uint32

// network is the n-th address of the run's own network.
func (b *bench) network(n byte) netip.Addr {
	if b.f == V6 {
		return netip.AddrFrom16([16]byte{0: 0xfd, 1: 0x40, 6: byte(b.net >> 8), 7: byte(b.net), 15: n})
	}
	return netip.AddrFrom4([4]byte{10, 64 | byte(b.net>>8)&63, byte(b.net), n})
}
