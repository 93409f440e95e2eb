// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// gatewayDevice is the name of the server's device that leads to the backend.
const gatewayDevice = "veth1"

// The network behind the server.
var (
	gatewayMAC = net.HardwareAddr{2, 0, 0, 0, 1, 1}
	backendMAC = net.HardwareAddr{2, 0, 0, 0, 1, 2}

	gateway4, gateway6 = netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("fd01::1")
	backend4, backend6 = netip.MustParseAddr("10.1.0.2"), netip.MustParseAddr("fd01::2")
	backends4          = netip.MustParsePrefix("10.1.0.0/24")
	backends6          = netip.MustParsePrefix("fd01::/64")

	// A host in the backend's network that does not exist, though its neighbours think
	// so: what goes there comes in at the backend as packets for another host.
	sink4, sink6 = netip.MustParseAddr("10.1.0.3"), netip.MustParseAddr("fd01::3")
)

// behind is the namespace behind the server, which is not in every lab.
type behind struct {
	mu           sync.Mutex
	ns           *os.File // nil until OpenBackend has made all of it
	inum         uint32
	index        int // of device in the namespace
	gatewayIndex int // of gatewayDevice in the server's namespace
}

// OpenBackend adds to the lab, if it is not there yet, a third namespace "backend"
// (10.1.0.2, fd01::2), which the client reaches through the server:
//
//	client --veth0-- veth0 server veth1 --veth0-- backend
//
// The server's end there is 10.1.0.1, fd01::1. The server does not forward unless a
// run wants it to.
func (l *Lab) OpenBackend(ctx context.Context) error {
	l.behind.mu.Lock()
	defer l.behind.mu.Unlock()
	if l.behind.ns != nil || ctx.Err() != nil {
		return ctx.Err()
	}
	ns, err := netns.New()
	if err != nil {
		return fmt.Errorf("add backend to lab: %w", err)
	}
	// What is half made would be in the way of the next try.
	if err := l.buildBackend(context.WithoutCancel(ctx), ns); err != nil {
		return errors.Join(fmt.Errorf("add backend to lab: %w", err), ns.Close())
	}
	l.behind.ns = ns
	return nil
}

// BackendNetns is the inode number of the backend's network namespace, after
// OpenBackend.
func (l *Lab) BackendNetns() uint32 { return l.behind.inum }

// BackendDo runs fn on a thread of its own inside the backend's namespace, after
// OpenBackend.
func (l *Lab) BackendDo(fn func() error) error { return netns.Inside(l.behind.ns, fn) }

// backendAddr is the backend's address of a family.
func backendAddr(f Family) netip.Addr {
	if f == V6 {
		return backend6
	}
	return backend4
}

func (l *Lab) buildBackend(ctx context.Context, ns *os.File) error {
	id, err := netns.IDOf(ns)
	if err != nil {
		return err
	}
	l.behind.inum = id.Inode
	near := end{l.server, gatewayDevice, gateway4, gateway6, gatewayMAC, backend4, backend6, backendMAC}
	far := near.other(ns)
	if err := addCable(near.plug(), far.plug()); err != nil {
		return err
	}
	if err := netns.Inside(ns, l.quiet); err != nil {
		return err
	}
	if l.behind.gatewayIndex, err = l.configure(near); err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	if l.behind.index, err = l.configure(far); err != nil {
		return fmt.Errorf("backend: %w", err)
	}
	if err := l.join(ctx, near, far); err != nil {
		return err
	}
	if err := l.addSink(); err != nil {
		return err
	}
	return l.routeBackend(ns)
}

func (l *Lab) addSink() error {
	h, err := netns.Netlink(l.server, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer h.Close()
	if err := neighbour(h, l.behind.gatewayIndex, sink4, ghostMAC); err != nil || !l.hasIPv6 {
		return err
	}
	return neighbour(h, l.behind.gatewayIndex, sink6, ghostMAC)
}

// routeBackend has the client and the backend find each other.
func (l *Lab) routeBackend(ns *os.File) error {
	const all4, all6 = "0.0.0.0/0", "::/0"
	for _, r := range []struct {
		from *os.File
		v6   bool
		dst  netip.Prefix
		via  netip.Addr
	}{
		{l.client, false, backends4, server4},
		{l.client, true, backends6, server6},
		{ns, false, netip.MustParsePrefix(all4), gateway4},
		{ns, true, netip.MustParsePrefix(all6), gateway6},
	} {
		if r.v6 && !l.hasIPv6 {
			continue
		}
		if err := addRoute(r.from, device, r.dst, r.via); err != nil {
			return err
		}
	}
	return nil
}

func addRoute(ns *os.File, device string, dst netip.Prefix, gw netip.Addr) error {
	h, err := netns.Netlink(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer h.Close()
	link, err := h.LinkByName(device)
	if err != nil {
		return fmt.Errorf("find %s: %w", device, err)
	}
	route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(dst), Gw: gw.AsSlice()}
	return joinErr("add route to "+dst.String(), h.RouteReplace(route))
}
