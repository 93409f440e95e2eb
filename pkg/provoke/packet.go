// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// tcpFlag is a bit of the TCP header's flags.
type tcpFlag uint8

const (
	fin tcpFlag = 1 << iota
	syn
	rst
	psh
	ack
)

// segment is a TCP segment in an IP packet in an Ethernet frame.
type segment struct {
	src, dst netip.AddrPort
	flags    tcpFlag
	seq, ack uint32
	ts       *timestamps // the timestamp option, if any
	option   option      // another option, if any
	payload  []byte
	hops     uint8 // that it may make, 64 if 0

	// What is wrong with it, if anything.
	badChecksum bool
	badOffset   bool // a header length below the minimum
	dstMAC      net.HardwareAddr
}

type timestamps struct{ val, ecr uint32 }

// option is a TCP option. Kind 0, which ends the options, is none.
type option struct {
	kind layers.TCPOptionKind
	data string
}

// frame is the segment as it goes over the wire, from client to server.
func (s segment) frame() ([]byte, error) {
	tcp := s.tcpLayer()
	eth := &layers.Ethernet{SrcMAC: clientMAC, DstMAC: serverMAC}
	if s.dstMAC != nil {
		eth.DstMAC = s.dstMAC
	}
	hops := cmp.Or(s.hops, 64)
	var ip gopacket.SerializableLayer
	if s.dst.Addr().Is4() {
		eth.EthernetType = layers.EthernetTypeIPv4
		ip4 := &layers.IPv4{Version: 4, TTL: hops, Protocol: layers.IPProtocolTCP, Flags: layers.IPv4DontFragment,
			SrcIP: s.src.Addr().AsSlice(), DstIP: s.dst.Addr().AsSlice()}
		ip = ip4
		if err := tcp.SetNetworkLayerForChecksum(ip4); err != nil {
			return nil, err
		}
	} else {
		eth.EthernetType = layers.EthernetTypeIPv6
		ip6 := &layers.IPv6{Version: 6, HopLimit: hops, NextHeader: layers.IPProtocolTCP,
			SrcIP: s.src.Addr().AsSlice(), DstIP: s.dst.Addr().AsSlice()}
		ip = ip6
		if err := tcp.SetNetworkLayerForChecksum(ip6); err != nil {
			return nil, err
		}
	}
	buf := gopacket.NewSerializeBuffer()
	opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buf, opts, eth, ip, tcp, gopacket.Payload(s.payload)); err != nil {
		return nil, fmt.Errorf("build segment %s to %s: %w", s.src, s.dst, err)
	}
	return s.spoil(buf.Bytes()), nil
}

func (s segment) tcpLayer() *layers.TCP {
	tcp := &layers.TCP{
		SrcPort: layers.TCPPort(s.src.Port()), DstPort: layers.TCPPort(s.dst.Port()),
		Seq: s.seq, Ack: s.ack, Window: 65535,
		FIN: s.flags&fin != 0, SYN: s.flags&syn != 0, RST: s.flags&rst != 0,
		PSH: s.flags&psh != 0, ACK: s.flags&ack != 0,
	}
	if s.option.kind != 0 {
		tcp.Options = []layers.TCPOption{{
			OptionType: s.option.kind, OptionLength: uint8(2 + len(s.option.data)), OptionData: []byte(s.option.data),
		}}
	}
	if s.ts != nil {
		data := binary.BigEndian.AppendUint32(nil, s.ts.val)
		data = binary.BigEndian.AppendUint32(data, s.ts.ecr)
		tcp.Options = append(tcp.Options,
			layers.TCPOption{OptionType: layers.TCPOptionKindNop}, layers.TCPOption{OptionType: layers.TCPOptionKindNop},
			layers.TCPOption{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: data},
		)
	}
	return tcp
}

// spoil makes a good frame as wrong as the segment wants it.
func (s segment) spoil(frame []byte) []byte {
	tcp := frame[14+20:]
	if s.dst.Addr().Is6() {
		tcp = frame[14+40:]
	}
	if s.badOffset {
		tcp[12] = 4 << 4 // 16 bytes; the header is never shorter than 20
	}
	if s.badChecksum {
		tcp[16] ^= 0xff
	}
	return frame
}

// reply is a segment that the server sent to a spoofed client.
type reply struct {
	src, dst netip.AddrPort
	flags    tcpFlag
	seq, ack uint32
	window   uint16
	ts       timestamps
}

// parseReply reads a frame; ok is false when it holds no TCP segment.
func parseReply(frame []byte) (r reply, ok bool) {
	pkt := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.DecodeOptions{NoCopy: true, Lazy: true})
	tcp, ok := pkt.Layer(layers.LayerTypeTCP).(*layers.TCP)
	if !ok {
		return r, false
	}
	src, dst, ok := endpoints(pkt)
	if !ok {
		return r, false
	}
	r.src = netip.AddrPortFrom(src, uint16(tcp.SrcPort))
	r.dst = netip.AddrPortFrom(dst, uint16(tcp.DstPort))
	r.seq, r.ack, r.window = tcp.Seq, tcp.Ack, tcp.Window
	for flag, set := range map[tcpFlag]bool{fin: tcp.FIN, syn: tcp.SYN, rst: tcp.RST, psh: tcp.PSH, ack: tcp.ACK} {
		if set {
			r.flags |= flag
		}
	}
	for _, o := range tcp.Options {
		if o.OptionType == layers.TCPOptionKindTimestamps && len(o.OptionData) == 8 {
			r.ts.val = binary.BigEndian.Uint32(o.OptionData)
			r.ts.ecr = binary.BigEndian.Uint32(o.OptionData[4:])
		}
	}
	return r, true
}

func endpoints(pkt gopacket.Packet) (src, dst netip.Addr, ok bool) {
	var s, d net.IP
	switch ip := pkt.NetworkLayer().(type) {
	case *layers.IPv4:
		s, d = ip.SrcIP, ip.DstIP
	case *layers.IPv6:
		s, d = ip.SrcIP, ip.DstIP
	default:
		return src, dst, false
	}
	src, ok1 := netip.AddrFromSlice(s)
	dst, ok2 := netip.AddrFromSlice(d)
	return src, dst, ok1 && ok2
}
