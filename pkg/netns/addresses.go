// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"fmt"
	"iter"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// maxAddresses bounds the addresses that are kept of one namespace. A node of a big
// cluster may have all service addresses on an interface (kube-proxy with IPVS).
const maxAddresses = 1 << 16

// Addresses are those of the packets that a network namespace takes for itself.
type Addresses struct {
	// single are whole addresses, true for what is one of an interface or of a local
	// route, false for broadcast and anycast.
	single map[netip.Addr]bool
	// ranges are the local and broadcast routes of more than one address.
	ranges []netip.Prefix
	// partial says that there was no room for all.
	partial bool
}

// ReadAddresses reads those of the calling thread's namespace: the table local, which
// has what ip route add local adds (AnyIP), too, and the addresses of the interfaces,
// as those of a VRF's are in the table of that.
func ReadAddresses() (*Addresses, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	defer h.Close()
	// So that the kernel does not dump all tables, of which a router's may be long
	// (from 4.20, net/ipv4/fib_frontend.c:ip_valid_fib_dump_req).
	_ = h.SetStrictCheck(true)
	a := &Addresses{single: map[netip.Addr]bool{}}
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		if err := a.readRoutes(h, family); err != nil {
			return nil, fmt.Errorf("read local routes: %w", err)
		}
		if err := a.readInterfaces(h, family); err != nil {
			return nil, fmt.Errorf("read addresses: %w", err)
		}
	}
	return a, nil
}

// readRoutes reads the routes to what is local. A kernel without further tables for IPv6
// (CONFIG_IPV6_MULTIPLE_TABLES) has them in its only one, the main table
// (include/net/ip6_fib.h).
func (a *Addresses) readRoutes(h *netlink.Handle, family int) error {
	found, err := a.readTable(h, family, unix.RT_TABLE_LOCAL)
	if err == nil && !found && family == unix.AF_INET6 {
		_, err = a.readTable(h, family, unix.RT_TABLE_MAIN)
	}
	return err
}

// readTable reads what is local of a table, and says whether that has any routes.
func (a *Addresses) readTable(h *netlink.Handle, family, table int) (routes bool, err error) {
	of := &netlink.Route{Table: table}
	err = h.RouteListFilteredIter(family, of, netlink.RT_FILTER_TABLE, func(r netlink.Route) bool {
		routes = true
		switch r.Type {
		case unix.RTN_LOCAL:
			a.add(r.Dst, true)
		case unix.RTN_BROADCAST, unix.RTN_ANYCAST:
			a.add(r.Dst, false)
		}
		return true
	})
	if errors.Is(err, unix.ENOENT) { // a namespace in which nothing was ever up
		err = nil
	}
	return routes, unlessInterrupted(err)
}

func (a *Addresses) readInterfaces(h *netlink.Handle, family int) error {
	found, err := h.AddrList(nil, family)
	for i := range found {
		ip, ok := netip.AddrFromSlice(found[i].IP)
		if ok {
			a.addSingle(ip.Unmap(), true)
		}
		if ip, ok := netip.AddrFromSlice(found[i].Broadcast); ok {
			a.addSingle(ip.Unmap(), false)
		}
	}
	return unlessInterrupted(err)
}

// unlessInterrupted leaves out that something changed during a dump: what is not
// found is looked for again.
func unlessInterrupted(err error) error {
	if errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil
	}
	return err
}

func (a *Addresses) add(dst *net.IPNet, own bool) {
	if dst == nil {
		return
	}
	ip, ok := netip.AddrFromSlice(dst.IP)
	if !ok {
		return
	}
	ip = ip.Unmap()
	bits, _ := dst.Mask.Size()
	switch {
	case bits == ip.BitLen():
		a.addSingle(ip, own)
	case len(a.ranges) < maxAddresses:
		a.ranges = append(a.ranges, netip.PrefixFrom(ip, bits))
	default:
		a.partial = true
	}
}

func (a *Addresses) addSingle(ip netip.Addr, own bool) {
	if len(a.single) >= maxAddresses {
		a.partial = true
		return
	}
	a.single[ip] = a.single[ip] || own
}

// Has says whether the namespace takes packets to an address for itself; all says
// whether that is certain.
func (a *Addresses) Has(ip netip.Addr) (has, all bool) {
	if ip.IsLoopback() || ip.IsMulticast() || ip == broadcast {
		return true, true
	}
	if _, ok := a.single[ip]; ok {
		return true, true
	}
	for _, p := range a.ranges {
		if p.Contains(ip) {
			return true, true
		}
	}
	return false, !a.partial
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// Len is how many addresses and ranges are kept, also of nil.
func (a *Addresses) Len() int {
	if a == nil {
		return 0
	}
	return len(a.single) + len(a.ranges)
}

// Hosts lists the addresses by which other hosts know this one, so that loopback and
// link-local addresses, which mean another host everywhere, are left out.
func (a *Addresses) Hosts() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for ip, own := range a.single {
			if own && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() && !yield(ip) {
				return
			}
		}
	}
}
