// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// echo is a frame in which a client asks the host for an echo.
func (p *passage) echo(src netip.Addr) ([]byte, error) {
	dst := p.host.addr
	eth := &layers.Ethernet{SrcMAC: clientMAC, DstMAC: p.mac, EthernetType: layers.EthernetTypeIPv4}
	all := []gopacket.SerializableLayer{
		eth, &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolICMPv4, SrcIP: src.AsSlice(), DstIP: dst.AsSlice()},
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeEchoRequest, 0), Id: 7},
	}
	if src.Is6() {
		eth.EthernetType = layers.EthernetTypeIPv6
		ip := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolICMPv6, SrcIP: src.AsSlice(), DstIP: dst.AsSlice()}
		icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeEchoRequest, 0)}
		if err := icmp.SetNetworkLayerForChecksum(ip); err != nil {
			return nil, err
		}
		all = []gopacket.SerializableLayer{eth, ip, icmp, &layers.ICMPv6Echo{Identifier: 7}}
	}
	buf := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, all...)
	return buf.Bytes(), joinErr("build echo request", err)
}
