// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// wiring is what a run adds to a network namespace: devices, addresses, routes.
// All of it is gone when the run ends. Like those of bench its methods do nothing
// after the run's first error.
type wiring struct {
	b  *bench
	h  *netlink.Handle
	ns *os.File
}

// wiringIn opens a namespace to add to it.
func (b *bench) wiringIn(ns *os.File) *wiring {
	w := &wiring{b: b, ns: ns}
	if b.err != nil {
		return w
	}
	h, err := netns.Netlink(ns, unix.NETLINK_ROUTE)
	if err != nil {
		b.fail(err)
		return w
	}
	w.h = h
	b.undo = append(b.undo, func() error { h.Close(); return nil })
	return w
}

// do runs a step and says what it was about if it fails.
func (w *wiring) do(what string, step func() error) {
	if w.b.err == nil {
		w.b.fail(joinErr(what, step()))
	}
}

// named are the attributes of a new device.
func named(name string, mac net.HardwareAddr) netlink.LinkAttrs {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr = name, mac
	return attrs
}

// add makes a device, which is removed with the run, and sets it up.
func (w *wiring) add(link netlink.Link) {
	name := link.Attrs().Name
	w.do("add "+link.Type()+" device "+name, func() error {
		if err := w.h.LinkAdd(link); err != nil {
			return err
		}
		w.b.undo = append(w.b.undo, func() error { return joinErr("remove "+name, w.h.LinkDel(link)) })
		return w.h.LinkSetUp(link)
	})
}

// cable joins a new device to one in another namespace, until the run ends.
func (w *wiring) cable(near, far plug) {
	w.do("add cable "+near.device, func() error {
		if err := addCable(near, far); err != nil {
			return err
		}
		w.b.undo = append(w.b.undo, func() error { return removeCable(near, far) })
		return nil
	})
	link := w.link(near.device)
	w.do("set "+near.device+" up", func() error { return w.h.LinkSetUp(link) })
}

// enslave makes a device a port of a bridge, or a member of a VRF.
func (w *wiring) enslave(link, master netlink.Link) {
	w.do("enslave "+link.Attrs().Name, func() error { return w.h.LinkSetMaster(link, master) })
}

// awaitUp waits until a device has a carrier. Until then a bridge does not forward
// to it and IPv6 does not use it: see awaitReady.
func (w *wiring) awaitUp(name string) {
	w.do("wait for a carrier", func() error {
		return until(w.b.ctx, name, func() (bool, error) {
			link, err := w.h.LinkByName(name)
			return err == nil && isUp(link), err
		})
	})
}

// address gives a device an address and waits until it can be used: IPv6's route for
// what comes to it is made later, in a work queue (net/ipv6/addrconf.c:addrconf_dad_work).
func (w *wiring) address(link netlink.Link, a netip.Addr) {
	bits, family := 24, netlink.FAMILY_V4
	if a.Is6() {
		bits, family = 64, netlink.FAMILY_V6
	}
	w.do("add address", func() error { return address(w.h, link, a, bits) })
	inAnyTable := &netlink.Route{Type: unix.RTN_LOCAL, Table: unix.RT_TABLE_UNSPEC}
	w.do("wait for address", func() error {
		return until(w.b.ctx, a.String(), func() (bool, error) {
			local, err := w.h.RouteListFiltered(family, inAnyTable, netlink.RT_FILTER_TYPE|netlink.RT_FILTER_TABLE)
			return slices.ContainsFunc(local, func(r netlink.Route) bool {
				return r.Dst != nil && r.Dst.IP.Equal(a.AsSlice())
			}), err
		})
	})
}

// neighbour has the kernel know who has an address, without asking.
func (w *wiring) neighbour(link netlink.Link, a netip.Addr, mac net.HardwareAddr) {
	w.do("add neighbour", func() error { return neighbour(w.h, link.Attrs().Index, a, mac) })
}

// route adds a route, which goes with its device.
func (w *wiring) route(r netlink.Route) {
	w.do(fmt.Sprintf("add route to %s", r.Dst), func() error { return w.h.RouteAdd(&r) })
}

// unreachable adds a route that says that there is none.
func (w *wiring) unreachable(a netip.Addr, table int) {
	r := &netlink.Route{Dst: ipNet(netip.PrefixFrom(a, a.BitLen())), Type: unix.RTN_UNREACHABLE, Table: table}
	w.route(*r)
	w.b.undo = append(w.b.undo, func() error { return joinErr("remove route", w.h.RouteDel(r)) })
}

// link finds a device that is there.
func (w *wiring) link(name string) (link netlink.Link) {
	w.do("find "+name, func() (err error) {
		link, err = w.h.LinkByName(name)
		return err
	})
	if w.b.err != nil {
		return &netlink.Dummy{}
	}
	return link
}

// sysctls sets values below net in the namespace. They are not set back: use it for
// what goes with a device, or with the namespace.
func (w *wiring) sysctls(values sysctls) {
	for _, name := range values.inOrder() {
		if !w.b.hasIPv6 && strings.HasPrefix(name, "ipv6/") {
			continue
		}
		w.do("in a namespace", func() error {
			return netns.Inside(w.ns, func() error { return writeSysctl(name, values[name]) })
		})
	}
}
