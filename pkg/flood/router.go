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

// Router is a container host when all is well, in four network namespaces: two
// containers on a bridge, the host, which forwards and masquerades, and a server
// outside. It refuses nothing.
type Router struct {
	host, container *os.File
	outside, beside server
}

// server is a namespace with a listener.
type server struct {
	ns       *os.File
	listener int
}

// The addresses. A server has more of its network than the first, as there are not
// enough ports for all connections to one.
const (
	bridgeNet    = "172.17.0.1/16"
	containerNet = "172.17.0.2/16"
	besideNet    = "172.17.0.3/16"
	uplinkNet    = "10.8.0.1/16"
	outsideNet   = "10.8.0.2/16"
)

func outsideAddress(i byte) [4]byte { return [4]byte{10, 8, 1 + i, 1} }
func besideAddress(i byte) [4]byte  { return [4]byte{172, 17, 1 + i, 1} }

// NewRouter makes one. It needs root and nftables.
func NewRouter() (*Router, error) {
	r := &Router{outside: server{listener: -1}, beside: server{listener: -1}}
	if err := r.build(); err != nil {
		return nil, errors.Join(fmt.Errorf("make router: %w", err), r.Close())
	}
	return r, nil
}

// namespaces are all of them, nil before they are made and after they are closed.
func (r *Router) namespaces() []**os.File {
	return []**os.File{&r.host, &r.container, &r.outside.ns, &r.beside.ns}
}

// Close removes the namespaces. Called again it does nothing.
func (r *Router) Close() error {
	var err error
	for _, s := range []*server{&r.outside, &r.beside} {
		if fd := s.listener; fd >= 0 {
			s.listener = -1
			err = errors.Join(err, unix.Close(fd))
		}
	}
	for _, ns := range r.namespaces() {
		if *ns != nil {
			err = errors.Join(err, (*ns).Close())
			*ns = nil
		}
	}
	return err
}

// Netns are the inode numbers of the namespaces.
func (r *Router) Netns() ([]uint32, error) {
	var all []uint32
	for _, ns := range r.namespaces() {
		id, err := netns.IDOf(*ns)
		if err != nil {
			return nil, err
		}
		all = append(all, id.Inode)
	}
	return all, nil
}

// Routed makes n connections from a container to the server outside, one after the
// other, with all that handles their packets on one thread.
func (r *Router) Routed(ctx context.Context, on Thread, n uint64) (Sent, error) {
	return r.connect(ctx, on, n, r.outside.listener, outsideAddress)
}

// Bridged makes them to the other container.
func (r *Router) Bridged(ctx context.Context, on Thread, n uint64) (Sent, error) {
	return r.connect(ctx, on, n, r.beside.listener, besideAddress)
}

func (r *Router) connect(ctx context.Context, on Thread, n uint64, listener int, address func(byte) [4]byte) (Sent, error) {
	inside := func(fn func() error) error { return netns.Inside(r.container, fn) }
	return timed(inside, on, n, func() error {
		return connectAll(ctx, listener, n, address, func(connection) error { return nil })
	})
}

func (r *Router) build() (err error) {
	for _, ns := range r.namespaces() {
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
		{r.beside.ns, func() error { return r.beside.open(besideNet, besideAddress) }},
		{r.outside.ns, func() error { return r.outside.open(outsideNet, outsideAddress) }},
		{r.host, forward},
	} {
		if err := netns.Inside(do.ns, do.fn); err != nil {
			return err
		}
	}
	return nil
}

// connectHost adds the bridge, and a veth pair to each of the others.
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
	}{{"port0", r.container, bridge.Index}, {"port1", r.beside.ns, bridge.Index}, {"uplink", r.outside.ns, 0}} {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MasterIndex = pair.name, pair.master
		veth := &netlink.Veth{LinkAttrs: attrs, PeerName: "eth0", PeerNamespace: netlink.NsFd(pair.peer.Fd())}
		if err := netlink.LinkAdd(veth); err != nil {
			return fmt.Errorf("add veth pair: %w", err)
		}
	}
	return errors.Join(join("port0", "", ""), join("port1", "", ""), join("br0", bridgeNet, ""), join("uplink", uplinkNet, ""))
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

// open runs in the server's namespace. The server has the network's address, and the
// others on top of it.
func (s *server) open(network string, address func(byte) [4]byte) error {
	if err := join("eth0", network, ""); err != nil {
		return err
	}
	link, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	for i := range maxAddresses {
		a := address(byte(i))
		addr := &netlink.Addr{IPNet: &net.IPNet{IP: a[:], Mask: net.CIDRMask(32, 32)}}
		if err := netlink.AddrAdd(link, addr); err != nil {
			return fmt.Errorf("add address %s: %w", addr, err)
		}
	}
	s.listener, err = listenClean()
	return err
}
