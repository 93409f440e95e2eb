// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"encoding/binary"
	"fmt"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// transmitICMPError sends the error that the server's segment r did not get
// where it should. Of the errors that can end a handshake: IPv4's "host
// unreachable" (net/ipv4/tcp_ipv4.c:tcp_v4_err); IPv6's is none of them, but
// "port unreachable" is (net/ipv6/icmp.c:tab_unreach).
func (b *bench) transmitICMPError(r reply) {
	if b.fail(b.ctx.Err()); b.err != nil {
		return
	}
	frame, err := icmpError(r)
	if err != nil {
		b.fail(err)
		return
	}
	b.fail(b.send(frame))
}

func icmpError(r reply) ([]byte, error) {
	// The segment as it came back, of which the kernel looks at the addresses,
	// ports and sequence number.
	inner, err := segment{src: r.src, dst: r.dst, flags: r.flags, seq: r.seq, ack: r.ack}.frame()
	if err != nil {
		return nil, err
	}
	inner = inner[14:]
	eth := &layers.Ethernet{SrcMAC: clientMAC, DstMAC: serverMAC, EthernetType: layers.EthernetTypeIPv4}
	to := r.src.Addr().AsSlice()
	var all []gopacket.SerializableLayer
	if r.src.Addr().Is4() {
		all = []gopacket.SerializableLayer{
			eth, &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolICMPv4, SrcIP: client4.AsSlice(), DstIP: to},
			&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeDestinationUnreachable, layers.ICMPv4CodeHost)},
			gopacket.Payload(inner),
		}
	} else {
		eth.EthernetType = layers.EthernetTypeIPv6
		ip := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolICMPv6, SrcIP: client6.AsSlice(), DstIP: to}
		icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeDestinationUnreachable, layers.ICMPv6CodePortUnreachable)}
		if err := icmp.SetNetworkLayerForChecksum(ip); err != nil {
			return nil, err
		}
		unused := binary.BigEndian.AppendUint32(nil, 0)
		all = []gopacket.SerializableLayer{eth, ip, icmp, gopacket.Payload(append(unused, inner...))}
	}
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, all...); err != nil {
		return nil, fmt.Errorf("build ICMP error for %s: %w", r.dst, err)
	}
	return buf.Bytes(), nil
}
