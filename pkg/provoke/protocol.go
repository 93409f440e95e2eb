// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/synwatch/synwatch/pkg/event"
	"golang.org/x/sys/unix"
)

// protocols are those that connection tracking looks into besides TCP.
var protocols = []protocol{{"udp", 6, udpLayers}, {"icmp", 2, icmpLayers}, {"sctp", 8, sctpLayers}}

// protocol makes packets that begin a conversation.
type protocol struct {
	name     string
	checksum int // its offset in the header
	// layers above IP, of which the last is the payload. A protocol without ports
	// has something in place of the source's.
	layers func(ip gopacket.NetworkLayer, src, dst uint16) ([]gopacket.SerializableLayer, error)
}

// number is the protocol's, which for ICMP is the family's.
func (p protocol) number(f Family) event.Proto {
	switch {
	case p.name == "udp":
		return unix.IPPROTO_UDP
	case p.name == "sctp":
		return unix.IPPROTO_SCTP
	case f == V6:
		return unix.IPPROTO_ICMPV6
	}
	return unix.IPPROTO_ICMP
}

// at is an address as a record of the protocol has it.
func (p protocol) at(a netip.AddrPort, f Family) netip.AddrPort {
	if p.number(f).HasPorts() {
		return a
	}
	return netip.AddrPortFrom(a.Addr(), 0)
}

func udpLayers(ip gopacket.NetworkLayer, src, dst uint16) ([]gopacket.SerializableLayer, error) {
	udp := &layers.UDP{SrcPort: layers.UDPPort(src), DstPort: layers.UDPPort(dst)}
	return []gopacket.SerializableLayer{udp, gopacket.Payload("data")}, udp.SetNetworkLayerForChecksum(ip)
}

// icmpLayers are an echo request with the source port as its identifier.
func icmpLayers(ip gopacket.NetworkLayer, src, _ uint16) ([]gopacket.SerializableLayer, error) {
	if ip.LayerType() == layers.LayerTypeIPv4 {
		echo := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeEchoRequest, 0), Id: src, Seq: 1}
		return []gopacket.SerializableLayer{echo, gopacket.Payload("data")}, nil
	}
	icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeEchoRequest, 0)}
	echo := &layers.ICMPv6Echo{Identifier: src, SeqNumber: 1}
	return []gopacket.SerializableLayer{icmp, echo, gopacket.Payload("data")}, icmp.SetNetworkLayerForChecksum(ip)
}

// sctpLayers are the first packet of an association.
func sctpLayers(_ gopacket.NetworkLayer, src, dst uint16) ([]gopacket.SerializableLayer, error) {
	return []gopacket.SerializableLayer{
		&layers.SCTP{SrcPort: layers.SCTPPort(src), DstPort: layers.SCTPPort(dst)},
		&layers.SCTPInit{
			SCTPChunk:   layers.SCTPChunk{Type: layers.SCTPChunkTypeInit},
			InitiateTag: 1, AdvertisedReceiverWindowCredit: 65535, OutboundStreams: 1, InboundStreams: 1, InitialTSN: 1,
		},
	}, nil
}

// packet is what goes over the wire from client to server, from the Ethernet header on.
func (p protocol) packet(src, dst netip.AddrPort) ([]byte, error) {
	eth := &layers.Ethernet{SrcMAC: clientMAC, DstMAC: serverMAC, EthernetType: layers.EthernetTypeIPv4}
	var ip interface {
		gopacket.NetworkLayer
		gopacket.SerializableLayer
	} = &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocol(p.number(V4)),
		SrcIP: src.Addr().AsSlice(), DstIP: dst.Addr().AsSlice()}
	if dst.Addr().Is6() {
		eth.EthernetType = layers.EthernetTypeIPv6
		ip = &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocol(p.number(V6)),
			SrcIP: src.Addr().AsSlice(), DstIP: dst.Addr().AsSlice()}
	}
	above, err := p.layers(ip, src.Port(), dst.Port())
	if err != nil {
		return nil, err
	}
	buf := gopacket.NewSerializeBuffer()
	opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buf, opts, append([]gopacket.SerializableLayer{eth, ip}, above...)...); err != nil {
		return nil, fmt.Errorf("build %s packet %s to %s: %w", p.name, src, dst, err)
	}
	return buf.Bytes(), nil
}

// begin has each of clients send one packet.
func (b *bench) begin(p protocol, clients []netip.AddrPort, dst netip.AddrPort) {
	b.beginWith(p, clients, dst, 0)
}

// beginWith does so with checksums that are wrong in these bits.
func (b *bench) beginWith(p protocol, clients []netip.AddrPort, dst netip.AddrPort, wrong byte) {
	for _, c := range clients {
		if b.fail(b.ctx.Err()); b.err != nil {
			return
		}
		frame, err := p.packet(c, dst)
		b.fail(err)
		if b.err == nil {
			frame[b.headers()+p.checksum] ^= wrong
			b.fail(b.send(frame))
		}
	}
}

// headers is how long those are that come before the protocol's.
func (b *bench) headers() int {
	if b.f == V6 {
		return 14 + 40
	}
	return 14 + 20
}

// sendOwn has the server itself send a packet, from a raw socket, and says whether
// the kernel let it. The kernel chooses the source address of what a raw socket sends.
func (b *bench) sendOwn(p protocol, port uint16, dst netip.AddrPort) (sent bool) {
	if b.fail(b.ctx.Err()); b.err != nil {
		return false
	}
	frame, err := p.packet(netip.AddrPortFrom(b.serverAddr(b.f), port), dst)
	b.fail(err)
	if b.err != nil {
		return false
	}
	domain := unix.AF_INET
	if b.f == V6 {
		domain = unix.AF_INET6
	}
	b.fail(b.ServerDo(func() error {
		fd, err := unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(p.number(b.f)))
		if err != nil {
			return fmt.Errorf("open raw socket: %w", err)
		}
		err = unix.Sendto(fd, frame[b.headers():], 0, sockaddr(netip.AddrPortFrom(dst.Addr(), 0)))
		sent = err == nil
		if errors.Is(err, unix.EPERM) { // what netfilter refuses
			err = nil
		}
		return joinErr("send from raw socket", err, closeAll(fd))
	}))
	return sent
}
