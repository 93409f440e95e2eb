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
	"sync/atomic"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// device is the name of the cable's end in both namespaces.
const device = "veth0"

// The two ends, and a neighbour that does not exist: the server reaches the
// spoofed clients through it, so that its replies come in at the client as
// packets for another host, and no one answers or routes them.
var (
	serverMAC = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	clientMAC = net.HardwareAddr{2, 0, 0, 0, 0, 2}
	ghostMAC  = net.HardwareAddr{2, 0, 0, 0, 0, 3}

	server4, server6 = netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fd00::1")
	client4, client6 = netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("fd00::2")
	ghost4, ghost6   = netip.MustParseAddr("10.0.0.3"), netip.MustParseAddr("fd00::3")
	spoofed4         = netip.MustParsePrefix("10.9.0.0/16")
	spoofed6         = netip.MustParsePrefix("fd09::/64")
)

// Lab is two throw-away network namespaces, "server" (10.0.0.1, fd00::1) and
// "client" (10.0.0.2, fd00::2), joined by a cable: see addCable. A third, "backend"
// (10.1.0.2, fd01::2), is behind the server as soon as a run wants it: see
// OpenBackend. Nothing outside of them is touched. They have no name in the file
// system, so they vanish with the process, however it ends.
type Lab struct {
	// Provoked, if not nil, is called at the end of each run, when the kernel has
	// processed every packet and the run's listeners are still open: who wants to
	// be shown them must look until it returns. Set it between runs.
	Provoked func(context.Context, Expect)

	server, client *os.File
	inum           uint32
	serverIndex    int // of device in each namespace
	clientIndex    int
	hasIPv6        bool
	cpus           []int

	claims claims
	runs   atomic.Uint32 // numbers the runs, for addresses and CPUs
	behind behind
	legacy iptablesRules

	closing sync.Once
	closed  error
}

// NewLab makes the two namespaces. It needs CAP_NET_ADMIN and CAP_SYS_ADMIN.
func NewLab(ctx context.Context) (*Lab, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l := &Lab{}
	l.claims.write = l.writeSysctl
	l.claims.read = l.readSysctl
	if err := l.build(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("make lab: %w", err), l.Close())
	}
	return l, nil
}

// Close removes the namespaces.
func (l *Lab) Close() error {
	l.closing.Do(func() {
		for _, ns := range []*os.File{l.server, l.client, l.behind.ns} {
			if ns != nil {
				l.closed = errors.Join(l.closed, ns.Close())
			}
		}
	})
	return l.closed
}

// Netns is the inode number of the server's network namespace.
func (l *Lab) Netns() uint32 { return l.inum }

// ServerDo runs fn on a thread of its own inside the server's namespace.
func (l *Lab) ServerDo(fn func() error) error { return netns.Inside(l.server, fn) }

// ClientDo runs fn on a thread of its own inside the client's namespace.
func (l *Lab) ClientDo(fn func() error) error { return netns.Inside(l.client, fn) }

// serverAddr is the address that clients of a family talk to.
func (l *Lab) serverAddr(f Family) netip.Addr {
	if f == V6 {
		return server6
	}
	return server4
}

func (l *Lab) build(ctx context.Context) (err error) {
	if l.cpus, err = allowedCPUs(); err != nil {
		return err
	}
	if l.server, err = netns.New(); err != nil {
		return err
	}
	if l.client, err = netns.New(); err != nil {
		return err
	}
	id, err := netns.IDOf(l.server)
	if err != nil {
		return err
	}
	l.inum = id.Inode
	_, err = os.Stat("/proc/sys/net/ipv6/conf/all")
	l.hasIPv6 = err == nil
	srv := end{l.server, device, server4, server6, serverMAC, client4, client6, clientMAC}
	cli := srv.other(l.client)
	if err := addCable(srv.plug(), cli.plug()); err != nil {
		return err
	}
	for _, do := range []func(func() error) error{l.ServerDo, l.ClientDo} {
		if err := do(l.quiet); err != nil {
			return err
		}
	}
	if l.serverIndex, err = l.configure(srv); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	if l.clientIndex, err = l.configure(cli); err != nil {
		return fmt.Errorf("client: %w", err)
	}
	if err := l.join(ctx, srv, cli); err != nil {
		return err
	}
	return l.routeSpoofed()
}

// quiet sets, in the current namespace, what would make traffic of its own or
// drop packets for other reasons than the one provoked. A new namespace may
// inherit the values of the initial one (net.core.devconf_inherit_init_net).
func (l *Lab) quiet() error {
	set := map[string]string{
		"core/somaxconn":              "4096",
		"ipv4/ip_forward":             "0",
		"ipv4/tcp_invalid_ratelimit":  "0", // duplicate ACKs are not rate-limited
		"ipv4/tcp_abort_on_overflow":  "0",
		"ipv4/tcp_syncookies":         "1",
		"ipv4/tcp_max_syn_backlog":    "1024",
		"ipv4/conf/all/rp_filter":     "0",
		"ipv4/conf/default/rp_filter": "0",
		"ipv4/conf/veth0/rp_filter":   "0",
	}
	if l.hasIPv6 {
		for _, dev := range []string{"all", "default", device} {
			set["ipv6/conf/"+dev+"/disable_ipv6"] = "0"
			set["ipv6/conf/"+dev+"/forwarding"] = "0"
			set["ipv6/conf/"+dev+"/accept_dad"] = "0"
			set["ipv6/conf/"+dev+"/accept_ra"] = "0"
			set["ipv6/conf/"+dev+"/router_solicitations"] = "0"
			// Reports of multicast groups are sent at once, and not into a run's queue.
			set["ipv6/conf/"+dev+"/mldv2_unsolicited_report_interval"] = "1"
		}
	}
	for name, value := range set {
		if err := writeSysctl(name, value); err != nil {
			return err
		}
	}
	return nil
}

// configure brings a namespace's devices up and returns the index of its end. That has
// no IPv6 yet, see join.
func (l *Lab) configure(e end) (int, error) {
	h, err := netns.Netlink(e.ns, unix.NETLINK_ROUTE)
	if err != nil {
		return 0, err
	}
	defer h.Close()
	link, err := h.LinkByName(e.device)
	if err != nil {
		return 0, fmt.Errorf("find %s: %w", e.device, err)
	}
	lo, err := h.LinkByName("lo")
	if err != nil {
		return 0, fmt.Errorf("find lo: %w", err)
	}
	if l.hasIPv6 {
		if err := e.setIPv6(false); err != nil {
			return 0, err
		}
	}
	for _, dev := range []netlink.Link{lo, link} {
		if err := h.LinkSetUp(dev); err != nil {
			return 0, fmt.Errorf("set %s up: %w", dev.Attrs().Name, err)
		}
	}
	index := link.Attrs().Index
	if err := address(h, link, e.own4, 24); err != nil {
		return 0, err
	}
	return index, neighbour(h, index, e.peer4, e.peerMAC)
}

func (l *Lab) routeSpoofed() error {
	h, err := netns.Netlink(l.server, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer h.Close()
	if err := via(h, l.serverIndex, spoofed4, ghost4); err != nil || !l.hasIPv6 {
		return err
	}
	return via(h, l.serverIndex, spoofed6, ghost6)
}

func address(h *netlink.Handle, link netlink.Link, a netip.Addr, bits int) error {
	addr := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(a, bits)), Flags: unix.IFA_F_NODAD}
	if err := h.AddrAdd(link, addr); err != nil {
		return fmt.Errorf("add address %s: %w", a, err)
	}
	return nil
}

func neighbour(h *netlink.Handle, index int, a netip.Addr, mac net.HardwareAddr) error {
	n := &netlink.Neigh{LinkIndex: index, IP: a.AsSlice(), HardwareAddr: mac, State: netlink.NUD_PERMANENT}
	if err := h.NeighSet(n); err != nil {
		return fmt.Errorf("set neighbour %s: %w", a, err)
	}
	return nil
}

// via routes a prefix through a gateway that does not exist.
func via(h *netlink.Handle, index int, dst netip.Prefix, gw netip.Addr) error {
	if err := neighbour(h, index, gw, ghostMAC); err != nil {
		return err
	}
	route := &netlink.Route{LinkIndex: index, Dst: ipNet(dst), Gw: gw.AsSlice()}
	if err := h.RouteAdd(route); err != nil {
		return fmt.Errorf("add route to %s: %w", dst, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
