// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"fmt"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// transmitFragments sends a segment in two fragments, of which the second is the small one.
func (b *bench) transmitFragments(s segment) {
	if b.fail(b.ctx.Err()); b.err != nil {
		return
	}
	frames, err := s.fragments()
	b.fail(err)
	for _, f := range frames {
		if b.err == nil {
			b.fail(b.send(f))
		}
	}
}

// lastFragment is how long the second fragment's data is at least.
const lastFragment = 64

// fragments are the segment in two frames.
func (s segment) fragments() ([][]byte, error) {
	whole, err := s.frame()
	if err != nil {
		return nil, err
	}
	tcp := whole[14+20:]
	if s.dst.Addr().Is6() {
		tcp = whole[14+40:]
	}
	at := (len(tcp) - lastFragment) &^ 7
	first, err := s.fragment(tcp[:at], 0, true)
	if err != nil {
		return nil, err
	}
	second, err := s.fragment(tcp[at:], at, false)
	return [][]byte{first, second}, err
}

// fragment is a part of the segment, which stands at an offset of it.
func (s segment) fragment(part []byte, offset int, more bool) ([]byte, error) {
	id := uint32(s.src.Port()) // one segment of each port
	eth := &layers.Ethernet{SrcMAC: clientMAC, DstMAC: serverMAC, EthernetType: layers.EthernetTypeIPv4}
	all := []gopacket.SerializableLayer{eth}
	if s.dst.Addr().Is4() {
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, Id: uint16(id), FragOffset: uint16(offset / 8),
			SrcIP: s.src.Addr().AsSlice(), DstIP: s.dst.Addr().AsSlice()}
		if more {
			ip.Flags = layers.IPv4MoreFragments
		}
		all = append(all, ip)
	} else {
		eth.EthernetType = layers.EthernetTypeIPv6
		all = append(all,
			&layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolIPv6Fragment,
				SrcIP: s.src.Addr().AsSlice(), DstIP: s.dst.Addr().AsSlice()},
			&layers.IPv6Fragment{NextHeader: layers.IPProtocolTCP, FragmentOffset: uint16(offset / 8), MoreFragments: more, Identification: id})
	}
	buf := gopacket.NewSerializeBuffer()
	all = append(all, gopacket.Payload(part))
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, all...); err != nil {
		return nil, fmt.Errorf("build fragment: %w", err)
	}
	return buf.Bytes(), nil
}
