// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// featVeth is what a cable is made of unless the kernel has none.
const featVeth = "veth"

// plug is one end of a cable.
type plug struct {
	ns     *os.File
	device string
	mac    net.HardwareAddr // random if nil
}

func (e end) plug() plug { return plug{e.ns, e.device, e.ownMAC} }

// addCable joins two namespaces by a pair of Ethernet devices: veth, or where the
// kernel has none a pair of VXLAN devices.
func addCable(near, far plug) error {
	if probe(featVeth) != nil {
		return addVXLANPair(near, far)
	}
	h, err := netns.Netlink(near.ns, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer h.Close()
	err = h.LinkAdd(&netlink.Veth{
		LinkAttrs: named(near.device, near.mac), PeerName: far.device, PeerHardwareAddr: far.mac,
		PeerNamespace: netlink.NsFd(far.ns.Fd()),
	})
	return joinErr("add veth pair", err)
}

// removeCable removes both ends: a veth's goes with the other, and not a VXLAN
// device.
func removeCable(near, far plug) error {
	return errors.Join(near.remove(), far.remove())
}

func (p plug) remove() error {
	h, err := netns.Netlink(p.ns, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer h.Close()
	link, err := h.LinkByName(p.device)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err == nil {
		err = h.LinkDel(link)
	}
	return joinErr("remove "+p.device, err)
}

// isUp says whether a device has a carrier. One of VXLAN has none to speak of, and so
// its state stays unknown.
func isUp(link netlink.Link) bool {
	attrs := link.Attrs()
	return attrs.OperState == netlink.OperUp ||
		link.Type() == "vxlan" && attrs.OperState == netlink.OperUnknown && attrs.Flags&net.FlagRunning != 0
}

func probeVeth(ns *os.File) error {
	err := probeLinks(&netlink.Veth{LinkAttrs: named("probe0", nil), PeerName: "probe1"})(ns)
	if err == nil || errors.Is(err, os.ErrPermission) {
		return err
	}
	return fmt.Errorf("the kernel has no veth: %w", err)
}
