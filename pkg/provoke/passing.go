// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"net"
	"net/netip"
	"os"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// passingBenign is traffic that passes the server on ways that are more than a cable at
// each side.
func passingBenign() []Harmless {
	all := []Harmless{
		{Name: "routed-to-bridge", Run: passes(overBridge, plainly)},
		{Name: "bridged", Run: passes(bridged, plainly)},
		{Name: "bridged-ip-hooks", Run: passes(bridgedByIP, plainly)},
		{Name: "flooded", Run: passes(bridged, flooded)},
		{Name: "mirrored", Run: passes(mirroring, mirrored)},
		{Name: "tap-in-bridge", Run: passes(bridged, tapInBridge)},
		{Name: "segmented-in-router", Run: passes(overBridge, segmented)},
		{Name: "segmented-in-bridge", Run: passes(bridged, segmented)},
		{Name: "passing-ping", Run: passes(overBridge, pinged)},
		{Name: "routed-from-tunnel", Run: passes(fromVXLAN, pinged)},
		{Name: "routed-in-vrf", Run: passes(inVRF, pinged)},
	}
	for i := range all {
		all[i].Families = []Family{V4, V6}
	}
	return all
}

// bridgedByIP is bridged, with IP's hooks to see it.
var bridgedByIP = way{"bridged", []string{featBridge, featBridgeNetfilter}, openBridged}

// mirroring is over a bridge, with what mirroring takes.
var mirroring = way{"bridge", []string{featBridge, featMirror}, openBridge}

const featMirror = "act_mirred"

// passes makes a Run of steps that expect nothing on a way.
func passes(w way, steps func(*passage)) func(context.Context, *Lab, Family) error {
	run := Provocation{Needs: w.needs, Run: route(nil, func(b *bench) Expect {
		steps(w.open(b))
		return Expect{}
	})}.runIfPossible()
	return func(ctx context.Context, l *Lab, f Family) error {
		_, err := run(ctx, l, f)
		return err
	}
}

// plainly is a conversation of the client with the host.
func plainly(p *passage) {
	p.reachable()
	p.host.converse(p.host.listen(p.port, 8))
}

// reachable has the client's own sockets reach the host.
func (p *passage) reachable() {
	if p.ingress == "" {
		p.routeToHost()
		return
	}
	w := p.b.wiringIn(p.b.client)
	w.sysctls(sysctls{"ipv6/conf/" + p.ingress + "/disable_ipv6": "0"})
	link, own := w.link(p.ingress), p.b.network(3)
	w.address(link, own)
	w.neighbour(link, p.host.addr, p.host.mac)
	far := p.b.wiringIn(p.host.ns)
	far.neighbour(far.link(device), own, link.Attrs().HardwareAddr)
}

// routeToHost has the client know that the server leads there.
func (p *passage) routeToHost() {
	b := p.b
	w := b.wiringIn(b.client)
	behind := ipNet(netip.PrefixFrom(b.network(0), map[Family]int{V4: 24, V6: 64}[b.f]))
	w.route(netlink.Route{LinkIndex: b.clientIndex, Dst: behind, Gw: b.serverAddr(b.f).AsSlice()})
	b.undo = append(b.undo, func() error {
		return joinErr("remove route", w.h.RouteDel(&netlink.Route{LinkIndex: b.clientIndex, Dst: behind}))
	})
}

// flooded sends what the bridge does not know the port of, to all of them: the host
// gets what is for another.
func flooded(p *passage) {
	plainly(p)
	p.mac = ghostMAC
	p.syns(p.clients())
}

// mirrored has all that goes to the host be copied to another host, for which it is not.
func mirrored(p *passage) {
	other := p.b.host(p.server, 1)
	for _, parent := range []uint32{netlink.HANDLE_MIN_INGRESS, netlink.HANDLE_MIN_EGRESS} {
		p.server.mirror(p.host.near, other.near, parent)
	}
	plainly(p)
}

// mirror copies what a device receives, or sends, to another one.
func (w *wiring) mirror(from, to netlink.Link, parent uint32) {
	w.do("mirror", func() error { return addMirror(w.h, from, to, parent) })
}

func addMirror(h *netlink.Handle, from, to netlink.Link, parent uint32) error {
	index := from.Attrs().Index
	clsact := &netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT,
	}}
	if err := h.QdiscReplace(clsact); err != nil {
		return err
	}
	copying := netlink.NewMirredAction(to.Attrs().Index)
	copying.MirredAction = netlink.TCA_EGRESS_MIRROR
	copying.Action = netlink.TC_ACT_PIPE
	return h.FilterAdd(&netlink.MatchAll{
		FilterAttrs: netlink.FilterAttrs{LinkIndex: index, Parent: parent, Priority: 1, Protocol: unix.ETH_P_ALL},
		Actions:     []netlink.Action{copying},
	})
}

// tapInBridge has a virtual machine's device be a port, too, which gets the copies of
// what is flooded, and nobody reads it.
func tapInBridge(p *passage) {
	b := p.b
	tap := &netlink.Tuntap{
		LinkAttrs: named(b.deviceName("tap", 0), nil), Mode: netlink.TUNTAP_MODE_TAP, Queues: 1, Flags: netlink.TUNTAP_NO_PI,
	}
	p.server.do("add tap", func() error {
		err := b.ServerDo(func() error { return netlink.LinkAdd(tap) })
		b.undo = append(b.undo, func() error {
			for _, f := range tap.Fds {
				f.Close()
			}
			return joinErr("remove tap", p.server.h.LinkDel(tap))
		})
		return err
	})
	link := p.server.link(tap.Name)
	p.server.do("set tap up", func() error { return p.server.h.LinkSetUp(link) })
	p.server.enslave(link, p.server.link(b.deviceName("br", 0)))
	flooded(p)
}

// segmented has the server cut what it got as one into segments again.
func segmented(p *passage) {
	p.server.do("forbid large segments", func() error { return p.server.h.LinkSetGSOMaxSegs(p.host.near, 1) })
	plainly(p)
}

// pinged has clients ask for an echo, and the host answer through the server.
func pinged(p *passage) {
	for _, c := range p.clients() {
		p.send(p.echo(c.Addr()))
	}
	p.b.sync()
	p.b.sync()
}

func probeMirror(ns *os.File) error {
	two := &netlink.Dummy{LinkAttrs: named("probe0", net.HardwareAddr{2, 0, 0, 0, 0, 9})}
	if err := probeLinks(two)(ns); err != nil {
		return err
	}
	h, err := netns.Netlink(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer h.Close()
	return addMirror(h, two, two, netlink.HANDLE_MIN_INGRESS)
}
