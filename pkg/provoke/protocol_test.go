// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// A packet that was built parses back to its addresses and protocol, for both families.
func TestProtocolPacket(t *testing.T) {
	top := map[string][2]gopacket.LayerType{
		"udp":  {layers.LayerTypeUDP, layers.LayerTypeUDP},
		"icmp": {layers.LayerTypeICMPv4, layers.LayerTypeICMPv6Echo},
		"sctp": {layers.LayerTypeSCTPInit, layers.LayerTypeSCTPInit},
	}
	for _, p := range protocols {
		for i, addrs := range [][2]string{{"10.9.1.1:20000", "10.0.0.1:443"}, {"[fd09::1]:20000", "[fd00::1]:443"}} {
			src, dst := netip.MustParseAddrPort(addrs[0]), netip.MustParseAddrPort(addrs[1])
			frame, err := p.packet(src, dst)
			if err != nil {
				t.Fatal(err)
			}
			pkt := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
			gotSrc, gotDst, ok := endpoints(pkt)
			if !ok || gotSrc != src.Addr() || gotDst != dst.Addr() {
				t.Errorf("%s: from %s to %s", p.name, gotSrc, gotDst)
			}
			if pkt.Layer(top[p.name][i]) == nil || pkt.ErrorLayer() != nil {
				t.Errorf("%s: built %v", p.name, pkt)
			}
			at := p.at(dst, Family(i))
			if ports := p.number(Family(i)).HasPorts(); ports != (at.Port() == 443) || ports == (p.name == "icmp") {
				t.Errorf("%s is at %s", p.name, at)
			}
		}
	}
}
