// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/synwatch/synwatch/pkg/provoke"
)

// Sources is the network that floods come from.
var Sources = netip.MustParsePrefix("172.16.0.0/12")

// MaxSources is how many addresses there are in Sources.
const MaxSources = 1 << 20

// Singles are addresses for single packets beside a flood.
var Singles = []netip.Addr{netip.MustParseAddr("192.168.0.0"), netip.MustParseAddr("192.169.0.0")}

// senderMAC is the source address of all senders' frames, by which the program knows
// them (bpf/flood.bpf.c:is_of_sender).
var senderMAC = net.HardwareAddr{2, 0, 0, 0, 0, 9}

const (
	ethernetLen = 14
	ipLen       = 20
	ipCheck     = ethernetLen + 10 // offsets
	tcpCheck    = ethernetLen + ipLen + 16
)

// template is a frame without a source, and the sums from which the program computes
// its checksums.
type template struct {
	frame         []byte
	ipSum, tcpSum uint32
}

// newTemplate makes a SYN, or a RST, for the sender with a number. Its source is
// 0.0.0.0:0, which adds nothing to the sums.
func newTemplate(in provoke.Inlet, dst netip.AddrPort, id uint16, reset bool) (template, error) {
	ip := &layers.IPv4{
		Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, Flags: layers.IPv4DontFragment, Id: id,
		SrcIP: net.IPv4zero, DstIP: dst.Addr().AsSlice(),
	}
	tcp := &layers.TCP{DstPort: layers.TCPPort(dst.Port()), Seq: 1, SYN: !reset, RST: reset, Window: 65535}
	if err := tcp.SetNetworkLayerForChecksum(ip); err != nil {
		return template{}, err
	}
	buf := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: senderMAC, DstMAC: in.MAC, EthernetType: layers.EthernetTypeIPv4},
		ip, tcp)
	if err != nil {
		return template{}, fmt.Errorf("build a packet to %s: %w", dst, err)
	}
	frame := buf.Bytes()
	sum := func(at int) uint32 { return uint32(^binary.BigEndian.Uint16(frame[at:])) }
	return template{frame, sum(ipCheck), sum(tcpCheck)}, nil
}

// from is the frame with a source in it.
func (t *template) from(src netip.AddrPort) []byte {
	frame := append([]byte(nil), t.frame...)
	addr, port := src.Addr().As4(), src.Port()
	copy(frame[ethernetLen+12:], addr[:])
	binary.BigEndian.PutUint16(frame[ethernetLen+ipLen:], port)
	sum := uint32(binary.BigEndian.Uint16(addr[:])) + uint32(binary.BigEndian.Uint16(addr[2:]))
	binary.BigEndian.PutUint16(frame[ipCheck:], checksum(t.ipSum+sum))
	binary.BigEndian.PutUint16(frame[tcpCheck:], checksum(t.tcpSum+sum+uint32(port)))
	return frame
}

func checksum(sum uint32) uint16 {
	sum = sum&0xffff + sum>>16
	return ^uint16(sum&0xffff + sum>>16)
}
