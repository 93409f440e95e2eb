// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"encoding/binary"
	"fmt"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// unreachable is why a packet did not arrive: the codes of ICMP's and ICMPv6's
// "destination unreachable".
type unreachable struct{ v4, v6 uint8 }

var (
	// fatal ends a handshake: IPv4's "host unreachable" does
	// (net/ipv4/tcp_ipv4.c:tcp_v4_err). IPv6's does not, but "port unreachable"
	// (net/ipv6/icmp.c:tab_unreach).
	fatal = unreachable{layers.ICMPv4CodeHost, layers.ICMPv6CodePortUnreachable}
	// passing does not, as it may pass.
	passing = unreachable{layers.ICMPv4CodePort, layers.ICMPv6CodeAddressUnreachable}
)

// transmitICMPError sends the error that the server's segment r did not arrive.
func (b *bench) transmitICMPError(r reply, why unreachable) {
	if b.fail(b.ctx.Err()); b.err != nil {
		return
	}
	frame, err := icmpError(r, why)
	if err != nil {
		b.fail(err)
		return
	}
	b.fail(b.send(frame))
}

func icmpError(r reply, why unreachable) ([]byte, error) {
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
			&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeDestinationUnreachable, why.v4)},
			gopacket.Payload(inner),
		}
	} else {
		eth.EthernetType = layers.EthernetTypeIPv6
		ip := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolICMPv6, SrcIP: client6.AsSlice(), DstIP: to}
		icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeDestinationUnreachable, why.v6)}
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
