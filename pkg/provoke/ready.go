// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// awaitReady waits until both ends have a carrier and usable addresses. The kernel
// handles a new carrier later, in a work queue (net/core/link_watch.c),
// and only then makes IPv6 addresses usable (net/ipv6/addrconf.c:addrconf_notify);
// until then it would take the lab's packets for another host's.
func (l *Lab) awaitReady(ctx context.Context, ends ...end) error {
	for _, e := range ends {
		h, err := netns.Netlink(e.ns, unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		err = l.awaitEnd(ctx, h, e)
		h.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *Lab) awaitEnd(ctx context.Context, h *netlink.Handle, e end) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for !l.isReady(h, e) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the link and %s: %w", e.own6, ctx.Err())
		case <-time.After(2 * time.Millisecond):
		}
	}
	return nil
}

func (l *Lab) isReady(h *netlink.Handle, e end) bool {
	link, err := h.LinkByName(e.device)
	if err != nil || link.Attrs().OperState != netlink.OperUp {
		return false
	}
	if !l.hasIPv6 {
		return true
	}
	routes, err := h.RouteGet(net.IP(e.own6.AsSlice()))
	return err == nil && len(routes) == 1 && routes[0].Type == unix.RTN_LOCAL
}
