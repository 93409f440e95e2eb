// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// openVXLAN has the client's packets come out of a tunnel that leaves its own data
// where a packet's route is later (see external), before they are routed.
func openVXLAN(b *bench) *passage {
	p, t := b.passage(), b.tunnel()
	p.outer = unix.IPPROTO_UDP
	p.put = func(frame []byte) error {
		outer, err := t.wrap(frame)
		if err != nil {
			return joinErr("build VXLAN packet", err)
		}
		return b.send(outer)
	}
	p.mac = tunnelMAC
	h := b.host(p.server, 0)
	p.behindDevice(h.near, h)
	return p
}

// openIPIP has the client's packets come out of a tunnel over IPv4.
func openIPIP(b *bench) *passage {
	p := b.passage()
	// A device is known by the two ends of its tunnel.
	remote := netip.AddrFrom4([4]byte{10, 9, byte(b.id), 200})
	attrs := named(b.deviceName("ip", 0), nil)
	inner := layers.IPProtocolIPv4
	var link netlink.Link = &netlink.Iptun{LinkAttrs: attrs, Local: server4.AsSlice(), Remote: remote.AsSlice()}
	if b.f == V6 {
		inner = layers.IPProtocolIPv6
		link = &netlink.Sittun{LinkAttrs: attrs, Local: server4.AsSlice(), Remote: remote.AsSlice()}
	}
	p.server.add(link)
	p.outer = byte(inner)
	p.put = func(frame []byte) error {
		outer, err := inIPv4(remote, inner, frame[ethernetHeader:])
		if err != nil {
			return joinErr("build IPIP packet", err)
		}
		return b.send(outer)
	}
	h := b.host(p.server, 0)
	p.behindDevice(h.near, h)
	return p
}

// untrackOuter has conntrack look only at what is in a tunnel, as overlay networks do:
// a full table would refuse what it is packed in.
func (p *passage) untrackOuter() {
	b := p.b
	if b.err != nil || p.outer == 0 {
		return
	}
	b.addRule(beforeTracking, match{nft: onProtocol(event.Proto(p.outer))}, notrack)
}

var (
	notrack        = action{nft: []expr.Any{&expr.Notrack{}}}
	beforeTracking = chain{nftables.TableFamilyIPv4, prerouting.kind, prerouting.hook, prerouting.priority, ""}
)

// ethernetHeader is the length of one without a VLAN tag.
const ethernetHeader = 14

// inIPv4 is a frame to the server with a packet in a packet.
func inIPv4(src netip.Addr, proto layers.IPProtocol, payload []byte) ([]byte, error) {
	buf := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: clientMAC, DstMAC: serverMAC, EthernetType: layers.EthernetTypeIPv4},
		&layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: src.AsSlice(), DstIP: server4.AsSlice()},
		gopacket.Payload(payload))
	return buf.Bytes(), err
}

// openWireGuard has the host behind a tunnel that has no peer yet: packets die
// before they would get into it, or in it for want of a key.
func openWireGuard(b *bench) *passage {
	p := b.passage()
	wg := &netlink.Wireguard{LinkAttrs: named(b.deviceName("wg", 0), nil)}
	p.server.add(wg)
	p.host = b.host(p.server, 0)
	p.host.has(b.network(2), netip.Addr{}, nil)
	p.egress = wg.Name
	p.server.address(p.server.link(wg.Name), b.network(1))
	return p
}
