// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink"
)

// forwardedBenign is traffic that the server forwards, and of which nothing is dropped.
func forwardedBenign() []Harmless {
	all := []Harmless{
		{Name: "forwarded-closes", Run: routed(nil, forwardedCloses)},
		{Name: "forwarded-resets", Run: routed(nil, forwardedResets)},
		{Name: "forwarded-tap", Run: routed(nil, forwardedTapped)},
		{Name: "forwarded-tracked", Run: routed(tracking, forwardedTracked)},
		{Name: "forwarded-fragments", Run: routed(nil, forwardedFragments)},
		{Name: "forwarded-fragments-tracked", Run: routed(tracking, forwardedFragmentsTracked)},
		{Name: "forwarded-segmentation", Run: routed(sysctls{alone: "yes"}, forwardedSegmentation)},
		{Name: "forwarded-icmp-error", Run: routed(nil, forwardedICMPError)},
	}
	for i := range all {
		all[i].Families = []Family{V4, V6}
	}
	// IPv6 routers do not fragment.
	return append(all, Harmless{
		Name: "forwarded-fragmented", Families: []Family{V4},
		Run: routed(sysctls{alone: "yes"}, forwardedFragmented),
	})
}

func routed(settings sysctls, steps func(*bench)) func(context.Context, *Lab, Family) error {
	return expectNothing(route, settings, steps)
}

// forwardedCloses closes connections to the backend, from each end.
func forwardedCloses(b *bench) {
	client, server := b.backendPair()
	client.closeBefore(server)
	client, server = b.backendPair()
	server.closeBefore(client)
}

// forwardedResets resets connections, and sends resets of none.
func forwardedResets(b *bench) {
	client, server := b.backendPair()
	client.resetBefore(server)
	client, server = b.backendPair()
	server.resetBefore(client)
	b.eachSends(b.clients(), segment{dst: b.backendSink(), flags: rst, seq: clientISN})
}

// forwardedTapped has packet sockets at both interfaces, as tapped.
func forwardedTapped(b *bench) {
	b.tapAll(b.serverIndex)
	b.tapAll(b.behind.gatewayIndex)
	forwardedCloses(b)
	forwardedResets(b)
}

// trackForwarded has connections tracked, if the kernel can.
func (b *bench) trackForwarded() {
	if probe(featStateRules) == nil {
		b.rule(forward, b.backendSink(), track)
	}
}

// forwardedTracked has connection tracking see it all.
func forwardedTracked(b *bench) {
	b.trackForwarded()
	forwardedCloses(b)
	client, server := b.backendPair()
	client.resetBefore(server)
	client, server = b.backendPair()
	server.resetBefore(client)
}

// forwardedFragments are forwarded as they are.
func forwardedFragments(b *bench) {
	dst := b.backendSink()
	for _, c := range b.clients() {
		b.transmitFragments(segment{src: c, dst: dst, flags: syn, seq: clientISN, payload: make([]byte, 900)})
	}
}

// forwardedFragmentsTracked are put together for connection tracking, and taken apart
// again (net/ipv4/netfilter/nf_defrag_ipv4.c).
func forwardedFragmentsTracked(b *bench) {
	b.trackForwarded()
	forwardedFragments(b)
}

// forwardedFragmented may be fragmented, and has to (net/ipv4/ip_output.c:ip_do_fragment).
func forwardedFragmented(b *bench) {
	dst := b.backendSink()
	b.narrow(dst.Addr())
	for _, c := range b.clients() {
		b.transmitFragments(segment{src: c, dst: dst, flags: syn, seq: clientISN, payload: make([]byte, narrowMTU+100)})
	}
}

// forwardedSegmentation has the server cut large packets into segments, as for a device
// that cannot (net/core/dev.c:validate_xmit_skb).
func forwardedSegmentation(b *bench) {
	b.maxSegments(1)
	client, server := b.backendPair()
	text := strings.Repeat("data", 64<<10)
	client.send(server, text)
	server.send(client, text)
	client.closeBefore(server)
}

// maxSegments limits how many segments a packet may have that goes to the backend.
func (b *bench) maxSegments(n int) {
	h := b.serverNetlink()
	if h == nil {
		return
	}
	link, err := h.LinkByName(gatewayDevice)
	if err != nil {
		b.fail(fmt.Errorf("find %s: %w", gatewayDevice, err))
		return
	}
	set := func(n int) error { return joinErr("limit segments", h.LinkSetGSOMaxSegs(link, n)) }
	b.undo = append(b.undo, func() error { return set(int(link.Attrs().GSOMaxSegs)) })
	b.fail(set(n))
}

// forwardedICMPError sends errors about the backend's SYN-ACKs, which end no handshake.
func forwardedICMPError(b *bench) {
	ln, clients := b.backendListen(8), b.clients()
	replies := b.open(clients, ln.addr)
	for _, r := range replies {
		b.transmitICMPError(r, passing)
	}
	b.finish(replies)
	b.awaitQueued(ln, len(clients))
}

// narrow gives the way to a host behind the server a small MTU.
func (b *bench) narrow(host netip.Addr) {
	b.serverRoute(&netlink.Route{
		LinkIndex: b.behind.gatewayIndex, Dst: ipNet(netip.PrefixFrom(host, host.BitLen())),
		MTU: narrowMTU, MTULock: true,
	})
}
