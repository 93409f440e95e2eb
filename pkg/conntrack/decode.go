// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
)

var errMalformed = errors.New("malformed conntrack message")

// The attributes that nl has no names for
// (include/uapi/linux/netfilter/nfnetlink_conntrack.h).
const (
	ctaTupleZone = 3
	// CTA_PROTOINFO_{TCP,DCCP,SCTP}_STATE are one number.
	ctaProtoinfoState = nl.CTA_PROTOINFO_TCP_STATE
)

// Decode reads one message of a dump, from its nfgenmsg on. What it does not
// know it passes over. It keeps nothing of b and allocates nothing.
func Decode(b []byte) (Entry, error) {
	var e Entry
	if len(b) < nl.SizeofNfgenmsg {
		return e, errMalformed
	}
	for a := (attributes{rest: b[nl.SizeofNfgenmsg:]}); a.next(); {
		switch a.kind {
		case nl.CTA_TUPLE_ORIG:
			e.tuple(a.data)
		case nl.CTA_STATUS:
			e.Status = be32(a.data)
		case nl.CTA_PROTOINFO:
			e.State = protoState(a.data)
		case nl.CTA_TIMEOUT:
			e.Timeout, e.HasTimeout = be32(a.data), true
		case nl.CTA_ZONE:
			e.Zone = be16(a.data)
		case nl.CTA_TIMESTAMP:
			e.Start = startTime(a.data)
		}
	}
	if !e.Src.IsValid() || !e.Dst.IsValid() || e.Src.Is4() != e.Dst.Is4() {
		return e, errMalformed
	}
	return e, nil
}

func (e *Entry) tuple(b []byte) {
	for a := (attributes{rest: b}); a.next(); {
		switch a.kind {
		case nl.CTA_TUPLE_IP:
			e.addresses(a.data)
		case nl.CTA_TUPLE_PROTO:
			e.ports(a.data)
		case ctaTupleZone: // a zone that holds for this direction only
			e.Zone = be16(a.data)
		}
	}
}

func (e *Entry) addresses(b []byte) {
	for a := (attributes{rest: b}); a.next(); {
		switch a.kind {
		case nl.CTA_IP_V4_SRC, nl.CTA_IP_V6_SRC:
			e.Src = address(a.data)
		case nl.CTA_IP_V4_DST, nl.CTA_IP_V6_DST:
			e.Dst = address(a.data)
		}
	}
}

// address is invalid unless b has the length of one.
func address(b []byte) netip.Addr {
	addr, _ := netip.AddrFromSlice(b)
	return addr
}

func (e *Entry) ports(b []byte) {
	for a := (attributes{rest: b}); a.next(); {
		switch a.kind {
		case nl.CTA_PROTO_NUM:
			if len(a.data) > 0 {
				e.Proto = a.data[0]
			}
		case nl.CTA_PROTO_SRC_PORT:
			e.SrcPort = be16(a.data)
		case nl.CTA_PROTO_DST_PORT:
			e.DstPort = be16(a.data)
		}
	}
}

// protoState finds the state below the attribute of whichever protocol it is.
func protoState(b []byte) uint8 {
	proto := attributes{rest: b}
	if !proto.next() {
		return 0
	}
	for a := (attributes{rest: proto.data}); a.next(); {
		if a.kind == ctaProtoinfoState && len(a.data) > 0 {
			return a.data[0]
		}
	}
	return 0
}

func startTime(b []byte) uint64 {
	for a := (attributes{rest: b}); a.next(); {
		if a.kind == nl.CTA_TIMESTAMP_START && len(a.data) >= 8 {
			return binary.BigEndian.Uint64(a.data)
		}
	}
	return 0
}

// attributes goes through a row of netlink attributes. It ends at the first
// that does not fit.
type attributes struct {
	kind       uint16
	data, rest []byte
}

func (a *attributes) next() bool {
	if len(a.rest) < nl.SizeofNfattr {
		return false
	}
	length := int(binary.NativeEndian.Uint16(a.rest))
	if length < nl.SizeofNfattr || length > len(a.rest) {
		return false
	}
	a.kind = binary.NativeEndian.Uint16(a.rest[2:]) & nl.NLA_TYPE_MASK
	a.data = a.rest[nl.SizeofNfattr:length]
	a.rest = a.rest[min(align(length), len(a.rest)):]
	return true
}

func align(n int) int { return (n + 3) &^ 3 }

func be16(b []byte) uint16 {
	if len(b) < 2 {
		return 0
	}
	return binary.BigEndian.Uint16(b)
}

func be32(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}
