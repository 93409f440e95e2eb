// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// awaitReady waits until both ends have a carrier and usable addresses. The kernel
// handles a new carrier later, in a work queue (net/core/link_watch.c),
// and only then makes IPv6 addresses usable (net/ipv6/addrconf.c:addrconf_notify);
// until then it would take the lab's packets for another host's.
func (l *Lab) awaitReady(ctx context.Context) error {
	for _, end := range []struct {
		ns   *os.File
		addr netip.Addr
	}{{l.server, server6}, {l.client, client6}} {
		h, err := netns.Netlink(end.ns, unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		err = l.awaitEnd(ctx, h, end.addr)
		h.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *Lab) awaitEnd(ctx context.Context, h *netlink.Handle, addr netip.Addr) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for !l.isReady(h, addr) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the link and %s: %w", addr, ctx.Err())
		case <-time.After(2 * time.Millisecond):
		}
	}
	return nil
}

func (l *Lab) isReady(h *netlink.Handle, addr netip.Addr) bool {
	link, err := h.LinkByName(device)
	if err != nil || link.Attrs().OperState != netlink.OperUp {
		return false
	}
	if !l.hasIPv6 {
		return true
	}
	routes, err := h.RouteGet(net.IP(addr.AsSlice()))
	return err == nil && len(routes) == 1 && routes[0].Type == unix.RTN_LOCAL
}
