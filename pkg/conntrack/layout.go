// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"encoding/binary"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
)

// The layout of an original tuple as the kernel writes it for a protocol with
// ports (nf_conntrack_netlink.c:ctnetlink_dump_tuples): attributes of attributes,
// always in this order. To compare their heads with these is several times as fast
// as to go from one to the next; whatever differs is decoded that way.
const (
	portsLength    = nl.SizeofNfattr + 8 + 8 + 8 // the number, and two ports, aligned
	tuple4Length   = nl.SizeofNfattr + address4Length + portsLength
	tuple6Length   = nl.SizeofNfattr + address6Length + portsLength
	address4Length = nl.SizeofNfattr + 2*(nl.SizeofNfattr+4)
	address6Length = nl.SizeofNfattr + 2*(nl.SizeofNfattr+16)
)

var (
	tuple4Head = heads(tuple4Length, nl.CTA_TUPLE_ORIG|nl.NLA_F_NESTED, address4Length, nl.CTA_TUPLE_IP|nl.NLA_F_NESTED)
	tuple6Head = heads(tuple6Length, nl.CTA_TUPLE_ORIG|nl.NLA_F_NESTED, address6Length, nl.CTA_TUPLE_IP|nl.NLA_F_NESTED)
	src4Head   = head(nl.SizeofNfattr+4, nl.CTA_IP_V4_SRC)
	dst4Head   = head(nl.SizeofNfattr+4, nl.CTA_IP_V4_DST)
	src6Head   = head(nl.SizeofNfattr+16, nl.CTA_IP_V6_SRC)
	dst6Head   = head(nl.SizeofNfattr+16, nl.CTA_IP_V6_DST)
	portsHead  = heads(portsLength, nl.CTA_TUPLE_PROTO|nl.NLA_F_NESTED, nl.SizeofNfattr+1, nl.CTA_PROTO_NUM)
	sportHead  = head(nl.SizeofNfattr+2, nl.CTA_PROTO_SRC_PORT)
	dportHead  = head(nl.SizeofNfattr+2, nl.CTA_PROTO_DST_PORT)
)

// head is the head of an attribute, read as one number.
func head(length, kind uint16) uint32 {
	b := binary.NativeEndian.AppendUint16(nil, length)
	return binary.NativeEndian.Uint32(binary.NativeEndian.AppendUint16(b, kind))
}

// heads is one head and that of the first attribute within.
func heads(length, kind, length2, kind2 uint16) uint64 {
	b := binary.NativeEndian.AppendUint32(nil, head(length, kind))
	return binary.NativeEndian.Uint64(binary.NativeEndian.AppendUint32(b, head(length2, kind2)))
}

// usualTuple reads an original tuple of the usual layout at the beginning of b. It
// returns its length, or 0 if it is another attribute or has another layout.
func (e *Entry) usualTuple(b []byte) int {
	order := binary.NativeEndian
	if len(b) < tuple4Length {
		return 0
	}
	switch order.Uint64(b) {
	case tuple4Head:
		if order.Uint32(b[8:]) != src4Head || order.Uint32(b[16:]) != dst4Head || !e.usualPorts(b[24:tuple4Length]) {
			return 0
		}
		e.Src, e.Dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[20:24]))
		return tuple4Length
	case tuple6Head:
		if len(b) < tuple6Length || order.Uint32(b[8:]) != src6Head || order.Uint32(b[28:]) != dst6Head || !e.usualPorts(b[48:tuple6Length]) {
			return 0
		}
		e.Src, e.Dst = netip.AddrFrom16([16]byte(b[12:28])), netip.AddrFrom16([16]byte(b[32:48]))
		return tuple6Length
	}
	return 0
}

func (e *Entry) usualPorts(b []byte) bool {
	order := binary.NativeEndian
	_ = b[portsLength-1]
	if order.Uint64(b) != portsHead || order.Uint32(b[12:]) != sportHead || order.Uint32(b[20:]) != dportHead {
		return false
	}
	e.Proto, e.SrcPort, e.DstPort = b[8], binary.BigEndian.Uint16(b[16:]), binary.BigEndian.Uint16(b[24:])
	return true
}
