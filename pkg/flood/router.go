// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Router is a container host when all is well, in three network namespaces: a
// container behind a bridge, the host, which forwards and masquerades, and a server
// outside. It refuses nothing.
type Router struct {
	container, host, outside *os.File
	listener                 int
}

// The addresses. The server has one of each of its network's networks of 256, as
// there are not enough ports for all connections to one.
const (
	containerNet = "172.17.0.2/16"
	bridgeNet    = "172.17.0.1/16"
	uplinkNet    = "10.8.0.1/16"
	serverNet    = "10.8.0.2/16"
)

func serverAddress(i byte) [4]byte { return [4]byte{10, 8, 1 + i, 1} }

// NewRouter makes one. It needs root and nftables.
func NewRouter() (*Router, error) {
	r := &Router{listener: -1}
	if err := r.build(); err != nil {
		return nil, errors.Join(fmt.Errorf("make router: %w", err), r.Close())
	}
	return r, nil
}

// Close removes the namespaces. Called again it does nothing.
func (r *Router) Close() error {
	var err error
	if fd := r.listener; fd >= 0 {
		r.listener = -1
		err = unix.Close(fd)
	}
	for _, ns := range []**os.File{&r.container, &r.host, &r.outside} {
		if *ns != nil {
			err = errors.Join(err, (*ns).Close())
			*ns = nil
		}
	}
	return err
}

// Netns are the inode numbers of the container's, the host's and the server's
// namespace.
func (r *Router) Netns() ([]uint32, error) {
	var all []uint32
	for _, ns := range []*os.File{r.container, r.host, r.outside} {
		id, err := netns.IDOf(ns)
		if err != nil {
			return nil, err
		}
		all = append(all, id.Inode)
	}
	return all, nil
}

// Connect makes n connections from the container to the server, one after the other,
// with all that handles their packets on one CPU.
func (r *Router) Connect(ctx context.Context, cpu int, n uint64) (Sent, error) {
	inside := func(fn func() error) error { return netns.Inside(r.container, fn) }
	return timed(inside, cpu, n, func() error { return connectAll(ctx, r.listener, n, serverAddress) })
}

func (r *Router) build() (err error) {
	for _, ns := range []**os.File{&r.container, &r.host, &r.outside} {
		if *ns, err = netns.New(); err != nil {
			return err
		}
	}
	for _, do := range []struct {
		ns *os.File
		fn func() error
	}{
		{r.host, r.connectHost},
		{r.container, func() error { return join("eth0", containerNet, bridgeNet) }},
		{r.outside, r.openServer},
		{r.host, forward},
	} {
		if err := netns.Inside(do.ns, do.fn); err != nil {
			return err
		}
	}
	return nil
}

// connectHost adds the bridge, and a veth pair to each of the other two.
func (r *Router) connectHost() error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "br0"
	bridge := &netlink.Bridge{LinkAttrs: attrs}
	if err := netlink.LinkAdd(bridge); err != nil {
		return fmt.Errorf("add bridge: %w", err)
	}
	for _, pair := range []struct {
		name   string
		peer   *os.File
		master int
	}{{"port0", r.container, bridge.Index}, {"uplink", r.outside, 0}} {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MasterIndex = pair.name, pair.master
		veth := &netlink.Veth{LinkAttrs: attrs, PeerName: "eth0", PeerNamespace: netlink.NsFd(pair.peer.Fd())}
		if err := netlink.LinkAdd(veth); err != nil {
			return fmt.Errorf("add veth pair: %w", err)
		}
	}
	return errors.Join(join("port0", "", ""), join("br0", bridgeNet, ""), join("uplink", uplinkNet, ""))
}

// join brings a device of the current namespace up, with an address and the default
// route, as far as they are given.
func join(device, address, gateway string) error {
	link, err := netlink.LinkByName(device)
	if err != nil {
		return fmt.Errorf("find %s: %w", device, err)
	}
	if err := noIPv6(device); err != nil {
		return err
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("set %s up: %w", device, err)
	}
	if address == "" {
		return nil
	}
	addr, err := netlink.ParseAddr(address)
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(link, addr); err != nil {
		return fmt.Errorf("add address %s: %w", address, err)
	}
	if gateway == "" {
		return nil
	}
	gw, _, err := net.ParseCIDR(gateway)
	if err != nil {
		return err
	}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Gw: gw}); err != nil {
		return fmt.Errorf("add default route: %w", err)
	}
	return nil
}

// noIPv6 keeps a device from sending packets of its own.
func noIPv6(device string) error {
	err := os.WriteFile("/proc/sys/net/ipv6/conf/"+device+"/disable_ipv6", []byte("1"), 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// openServer runs in the server's namespace.
func (r *Router) openServer() error {
	if err := join("eth0", serverNet, ""); err != nil {
		return err
	}
	link, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	for i := range maxAddresses {
		a := serverAddress(byte(i))
		addr := &netlink.Addr{IPNet: &net.IPNet{IP: a[:], Mask: net.CIDRMask(32, 32)}}
		if err := netlink.AddrAdd(link, addr); err != nil {
			return fmt.Errorf("add address %s: %w", addr, err)
		}
	}
	r.listener, err = listenClean()
	return err
}
