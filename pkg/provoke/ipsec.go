// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"net"
	"net/netip"
	"os"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const featXfrm = "xfrm policy"

// ipsecPolicy are packets that a policy of IPsec blocks, without that anything is
// encrypted.
var ipsecPolicy = []Provocation{
	{
		Cause: "ipsec-policy", Families: []Family{V4, V6, Mapped}, Needs: []string{featXfrm},
		Run: play(nil, ipsecIn),
	},
	{
		Cause: "ipsec-policy", Variant: "forward", Families: []Family{V4, V6}, Needs: []string{featXfrm},
		Run: route(nil, ipsecForward(netlink.XFRM_DIR_FWD)),
	},
	{
		Cause: "ipsec-policy", Variant: "forward/out", Families: []Family{V4, V6}, Needs: []string{featXfrm},
		Run: route(nil, ipsecForward(netlink.XFRM_DIR_OUT)),
	},
}

// ipsecIn blocks SYNs to a listener: net/ipv4/tcp_ipv4.c:tcp_v4_rcv asks xfrm4_policy_check.
func ipsecIn(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	b.block(netlink.XFRM_DIR_IN, ln.addr)
	b.syns(clients, ln.addr)
	return b.expect("ipsec-policy", "", ln.addr, clients, nil)
}

// ipsecForward blocks SYNs to the backend. net/ipv4/ip_forward.c:ip_forward and
// net/ipv6/ip6_output.c:ip6_forward ask what may be forwarded before anything else, and
// what may go out with the route.
func ipsecForward(dir netlink.Dir) func(*bench) Expect {
	return func(b *bench) Expect {
		ln, clients := b.backendListen(8), b.clients()
		b.block(dir, ln.addr)
		b.syns(clients, ln.addr)
		return b.expectForward("ipsec-policy", "", ln.addr, clients, nil)
	}
}

// block adds a policy that blocks TCP to an address.
func (b *bench) block(dir netlink.Dir, dst netip.AddrPort) {
	if b.err != nil {
		return
	}
	undo, err := addBlock(b.server, dir, dst)
	if err != nil {
		b.fail(err)
		return
	}
	b.undo = append(b.undo, undo)
}

func addBlock(ns *os.File, dir netlink.Dir, dst netip.AddrPort) (undo func() error, err error) {
	h, err := netns.Netlink(ns, unix.NETLINK_XFRM)
	if err != nil {
		return nil, err
	}
	bits := dst.Addr().BitLen()
	policy := &netlink.XfrmPolicy{
		Dst: ipNet(netip.PrefixFrom(dst.Addr(), bits)), Src: &net.IPNet{IP: make(net.IP, bits/8), Mask: net.CIDRMask(0, bits)},
		Proto: unix.IPPROTO_TCP, DstPort: int(dst.Port()), Dir: dir, Action: netlink.XFRM_POLICY_BLOCK,
	}
	if err := h.XfrmPolicyAdd(policy); err != nil {
		h.Close()
		return nil, joinErr("add xfrm policy", err)
	}
	return func() error {
		defer h.Close()
		return joinErr("remove xfrm policy", h.XfrmPolicyDel(policy))
	}, nil
}

func probeXfrm(ns *os.File) error {
	undo, err := addBlock(ns, netlink.XFRM_DIR_FWD, netip.MustParseAddrPort("10.9.0.1:1"))
	if errors.Is(err, unix.EPROTONOSUPPORT) {
		return errors.New("the kernel has no xfrm_user")
	}
	if err != nil {
		return err
	}
	return undo()
}
