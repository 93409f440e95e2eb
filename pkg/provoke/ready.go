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

// join waits until both ends have a carrier, and then gives them IPv6. The kernel
// handles a new carrier later, in a work queue (net/core/link_watch.c), and only then
// makes IPv6 addresses usable (net/ipv6/addrconf.c:addrconf_notify); until then it would
// take the lab's packets for another host's, and find no route for the other end's
// multicast reports, which it counts.
func (l *Lab) join(ctx context.Context, ends ...end) error {
	if err := await(ctx, hasCarrier, ends); err != nil || !l.hasIPv6 {
		return err
	}
	for _, e := range ends {
		if err := e.configure6(); err != nil {
			return err
		}
	}
	return await(ctx, hasIPv6, ends)
}

// await waits until all ends are as they should be.
func await(ctx context.Context, is func(*netlink.Handle, end) bool, ends []end) error {
	for _, e := range ends {
		h, err := netns.Netlink(e.ns, unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		err = awaitEnd(ctx, is, h, e)
		h.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func awaitEnd(ctx context.Context, is func(*netlink.Handle, end) bool, h *netlink.Handle, e end) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for !is(h, e) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the link and %s: %w", e.own6, ctx.Err())
		case <-time.After(2 * time.Millisecond):
		}
	}
	return nil
}

func hasCarrier(h *netlink.Handle, e end) bool {
	link, err := h.LinkByName(e.device)
	return err == nil && isUp(link)
}

func hasIPv6(h *netlink.Handle, e end) bool {
	routes, err := h.RouteGet(net.IP(e.own6.AsSlice()))
	return err == nil && len(routes) == 1 && routes[0].Type == unix.RTN_LOCAL
}
