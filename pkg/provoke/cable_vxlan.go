// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// underlay is a namespace whose loopback carries what VXLAN devices send to one
// another. They are made in it and put elsewhere; their sockets stay. It is gone with
// the process.
var underlay = sync.OnceValues(func() (*os.File, error) {
	ns, err := netns.New()
	if err != nil {
		return nil, err
	}
	h, err := netns.Netlink(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	lo, err := h.LinkByName("lo")
	if err == nil {
		err = h.LinkSetUp(lo)
	}
	return ns, joinErr("set the underlay's lo up", err)
})

// throughLoopback is the loopback's broadcast address. For an address of its own a VXLAN
// device would bypass the encapsulation, and with it the removal of all that a packet
// must not take into another namespace
// (drivers/net/vxlan.c:vxlan_xmit_one, vxlan_encap_bypass).
var throughLoopback = net.IPv4(127, 255, 255, 255)

// lastVNI numbers the ends of cables, all of which share the underlay's one socket.
var lastVNI atomic.Uint32

// addVXLANPair joins two namespaces by two VXLAN devices, each of which sends all to the
// other. What passes is packed and unpacked on the CPU that sends it, in order, and goes
// through that CPU's backlog as with veth.
func addVXLANPair(near, far plug) error {
	ns, err := underlay()
	if err != nil {
		return fmt.Errorf("make underlay: %w", err)
	}
	far1 := lastVNI.Add(2)
	near1 := far1 - 1
	for _, e := range []struct {
		plug
		own, peer uint32
	}{{near, near1, far1}, {far, far1, near1}} {
		err := netns.Inside(ns, func() error { return e.addVXLAN(e.own) })
		if err != nil {
			return fmt.Errorf("add vxlan device %s: %w", e.device, err)
		}
		if err := e.sendTo(e.peer); err != nil {
			return fmt.Errorf("set up vxlan device %s: %w", e.device, err)
		}
	}
	return nil
}

// addVXLAN makes a device of the current namespace's network and puts it into the
// plug's. The outer header has no checksum, so that it does not count as one of what is
// in the packet (net/netfilter/utils.c:nf_ip_checksum).
func (p plug) addVXLAN(vni uint32) error {
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
	req.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	req.AddData(nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(p.device)))
	if p.mac != nil {
		req.AddData(nl.NewRtAttr(unix.IFLA_ADDRESS, p.mac))
	}
	req.AddData(nl.NewRtAttr(unix.IFLA_NET_NS_FD, nl.Uint32Attr(uint32(p.ns.Fd()))))
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated("vxlan"))
	data := info.AddRtAttr(nl.IFLA_INFO_DATA, nil)
	data.AddRtAttr(nl.IFLA_VXLAN_ID, nl.Uint32Attr(vni))
	data.AddRtAttr(nl.IFLA_VXLAN_PORT, binary.BigEndian.AppendUint16(nil, 4789))
	data.AddRtAttr(nl.IFLA_VXLAN_LEARNING, nl.Uint8Attr(0))
	data.AddRtAttr(nl.IFLA_VXLAN_UDP_CSUM, nl.Uint8Attr(0))
	req.AddData(info)
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// sendTo has the device send all frames to another one, and take each as it comes:
// GRO would make one of several.
func (p plug) sendTo(vni uint32) error {
	h, err := netns.Netlink(p.ns, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer h.Close()
	link, err := h.LinkByName(p.device)
	if err != nil {
		return err
	}
	err = h.NeighAppend(&netlink.Neigh{
		LinkIndex: link.Attrs().Index, Family: unix.AF_BRIDGE, Flags: netlink.NTF_SELF,
		State: netlink.NUD_PERMANENT, HardwareAddr: make(net.HardwareAddr, 6), IP: throughLoopback, VNI: int(vni),
	})
	if err != nil {
		return fmt.Errorf("add forwarding entry: %w", err)
	}
	return netns.Inside(p.ns, func() error { return noGRO(p.device) })
}

// noGRO is `ethtool -K device gro off`: struct ifreq with a struct ethtool_value.
func noGRO(device string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	value := [2]uint32{unix.ETHTOOL_SGRO, 0}
	req := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}{data: unsafe.Pointer(&value)}
	copy(req.name[:unix.IFNAMSIZ-1], device)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req)))
	if errno != 0 {
		return fmt.Errorf("switch GRO off: %w", errno)
	}
	return nil
}
