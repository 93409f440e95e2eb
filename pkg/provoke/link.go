// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/synwatch/synwatch/pkg/netns"
	"golang.org/x/sys/unix"
)

// end is one side of a cable: its own addresses, and the other's.
type end struct {
	ns           *os.File
	device       string
	own4, own6   netip.Addr
	ownMAC       net.HardwareAddr
	peer4, peer6 netip.Addr
	peerMAC      net.HardwareAddr
}

// other is the end that e has for its peer. It is in a namespace of the lab's own
// and has the usual name there.
func (e end) other(ns *os.File) end {
	return end{ns, device, e.peer4, e.peer6, e.peerMAC, e.own4, e.own6, e.ownMAC}
}

// configure6 gives a device IPv6.
func (e end) configure6() error {
	if err := e.setIPv6(true); err != nil {
		return err
	}
	h, err := netns.Netlink(e.ns, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer h.Close()
	link, err := h.LinkByName(e.device)
	if err != nil {
		return fmt.Errorf("find %s: %w", e.device, err)
	}
	if err := address(h, link, e.own6, 64); err != nil {
		return err
	}
	return neighbour(h, link.Attrs().Index, e.peer6, e.peerMAC)
}

func (e end) setIPv6(on bool) error {
	value := "1"
	if on {
		value = "0"
	}
	return netns.Inside(e.ns, func() error { return writeSysctl("ipv6/conf/"+e.device+"/disable_ipv6", value) })
}
