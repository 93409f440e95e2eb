// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/google/nftables"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// external are drops behind a tunnel that notes where a packet came from in the
// place that is later its route's (`ip link add type vxlan external`), as overlay
// networks use it: include/net/dst_metadata.h.
var external = []Provocation{
	{
		Cause: "netfilter-drop", Variant: "prerouting/metadata", Families: []Family{V4, V6},
		Needs: []string{featRules, featVXLAN},
		Run:   play(nil, metadataRule),
	},
	{
		Cause: "conntrack-invalid", Variant: "metadata", Families: []Family{V4, V6},
		Needs: []string{featStateRules, featVXLAN},
		Run:   play(strict, metadataInvalid),
	},
	{
		Cause: "reverse-path-filter", Variant: "metadata", Families: []Family{V4}, Needs: []string{featVXLAN},
		Run: play(listenerDefaults, metadataReversePath),
	},
	{
		Cause: "martian-source", Variant: "metadata", Families: []Family{V4}, Needs: []string{featVXLAN},
		Run: play(listenerDefaults, metadataMartian),
	},
}

const featVXLAN = "vxlan"

func metadataRule(b *bench) Expect {
	ln, clients, t := b.listen(8), b.clients(), b.tunnel()
	b.rule(prerouting, ln.addr, verdictDrop)
	t.eachSends(clients, segment{dst: ln.addr, flags: syn, seq: clientISN})
	return b.expect("netfilter-drop", "", ln.addr, clients, nil)
}

func metadataInvalid(b *bench) Expect {
	ln, clients, t := b.listen(8), b.clients(), b.tunnel()
	afterConntrack := prerouting
	afterConntrack.priority = nftables.ChainPriorityFilter
	b.rule(afterConntrack, ln.addr, dropInvalid)
	t.eachSends(clients, wrongACK(ln))
	return b.expect("conntrack-invalid", "", ln.addr, clients, invalid(clients))
}

func metadataReversePath(b *bench) Expect {
	ln, clients, t := b.listen(8), unroutedAll(b.clients()), b.tunnel()
	b.fail(b.Lab.writeSysctl("ipv4/conf/"+t.name+"/rp_filter", "1"))
	t.eachSends(clients, segment{dst: ln.addr, flags: syn, seq: clientISN})
	return b.expect("reverse-path-filter", "", ln.addr, clients,
		map[string]uint64{"TcpExtIPReversePathFilter": uint64(len(clients))})
}

func metadataMartian(b *bench) Expect {
	ln, t := b.listen(8), b.tunnel()
	clients := b.martians()
	t.eachSends(clients, segment{dst: ln.addr, flags: syn, seq: clientISN})
	return b.expect("martian-source", "", ln.addr, clients, nil)
}

// tunnel is a VXLAN device of the server, to which the client sends.
type tunnel struct {
	b    *bench
	name string
	port uint16
}

// tunnelMAC is the device's.
var tunnelMAC = net.HardwareAddr{2, 0, 0, 0, 0, 4}

// tunnel adds the device, with a name and a port of the run's own.
func (b *bench) tunnel() *tunnel {
	t := &tunnel{b, fmt.Sprintf("vxlan%d", b.id), 20000 + uint16(b.id)}
	if b.err != nil {
		return t
	}
	remove, err := addTunnel(b.server, t.name, int(t.port))
	if err != nil {
		b.fail(err)
		return t
	}
	b.undo = append(b.undo, remove)
	return t
}

func addTunnel(ns *os.File, name string, port int) (remove func() error, err error) {
	h, err := netlink.NewHandleAt(netns.NsHandle(ns.Fd()), unix.NETLINK_ROUTE)
	if err != nil {
		return nil, joinErr("open netlink", err)
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr = name, tunnelMAC
	link := &netlink.Vxlan{LinkAttrs: attrs, FlowBased: true, Port: port}
	if err := h.LinkAdd(link); err != nil {
		h.Close()
		return nil, joinErr("add vxlan device", err)
	}
	return func() error {
		defer h.Close()
		return joinErr("remove vxlan device", h.LinkDel(link))
	}, joinErr("set vxlan device up", h.LinkSetUp(link))
}

func probeTunnel(ns *os.File) error {
	remove, err := addTunnel(ns, "vxlan0", 4789)
	if err != nil {
		return err
	}
	return remove()
}

// eachSends sends one segment like s from each client, in the tunnel.
func (t *tunnel) eachSends(clients []netip.AddrPort, s segment) {
	s.dstMAC = tunnelMAC
	for _, c := range clients {
		s.src = c
		t.transmit(s)
	}
	t.b.sync() // what is in the tunnel is received when it has been unpacked
	t.b.sync()
}

func (t *tunnel) transmit(s segment) {
	b := t.b
	if b.fail(b.ctx.Err()); b.err != nil {
		return
	}
	inner, err := s.frame()
	if err != nil {
		b.fail(err)
		return
	}
	frame, err := t.wrap(inner)
	if err != nil {
		b.fail(joinErr("build VXLAN packet", err))
		return
	}
	b.fail(b.send(frame))
}

// wrap puts a frame into a packet for the tunnel, which goes over IPv4.
func (t *tunnel) wrap(inner []byte) ([]byte, error) {
	buf := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: clientMAC, DstMAC: serverMAC, EthernetType: layers.EthernetTypeIPv4},
		&layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP,
			SrcIP: client4.AsSlice(), DstIP: server4.AsSlice()},
		&udpWithoutChecksum{layers.UDP{SrcPort: 4789, DstPort: layers.UDPPort(t.port)}},
		&layers.VXLAN{ValidIDFlag: true, VNI: 7}, gopacket.Payload(inner))
	return buf.Bytes(), err
}

// udpWithoutChecksum has none, as VXLAN's outer header mostly (RFC 7348).
type udpWithoutChecksum struct{ layers.UDP }

func (u *udpWithoutChecksum) SerializeTo(b gopacket.SerializeBuffer, o gopacket.SerializeOptions) error {
	o.ComputeChecksums = false
	return u.UDP.SerializeTo(b, o)
}
