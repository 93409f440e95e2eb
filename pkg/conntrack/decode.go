// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"encoding/binary"
	"errors"
	"iter"
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
func Decode(b []byte) (e Entry, err error) {
	err = e.decode(b)
	return e, err
}

func (e *Entry) decode(b []byte) error {
	*e = Entry{}
	if len(b) < nl.SizeofNfgenmsg {
		return errMalformed
	}
	for kind, data := range attributes(b[nl.SizeofNfgenmsg:]) {
		switch kind {
		case nl.CTA_TUPLE_ORIG:
			e.tuple(data)
		case nl.CTA_STATUS:
			e.Status = be32(data)
		case nl.CTA_PROTOINFO:
			e.State = protoState(data)
		case nl.CTA_TIMEOUT:
			e.Timeout, e.HasTimeout = be32(data), true
		case nl.CTA_ZONE:
			e.Zone = be16(data)
		case nl.CTA_TIMESTAMP:
			e.Start = startTime(data)
		}
	}
	if !e.Src.IsValid() || !e.Dst.IsValid() || e.Src.Is4() != e.Dst.Is4() {
		return errMalformed
	}
	return nil
}

// attributes goes through a row of netlink attributes, by their types and their
// data. It ends at the first that does not fit.
//
// The compiler makes it part of the loops that use it, which are gone through for
// every entry of a full table.
func attributes(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= nl.SizeofNfattr {
			length := int(binary.NativeEndian.Uint16(b))
			if length < nl.SizeofNfattr || length > len(b) || !yield(binary.NativeEndian.Uint16(b[2:])&nl.NLA_TYPE_MASK, b[nl.SizeofNfattr:length]) {
				return
			}
			b = b[min(align(length), len(b)):]
		}
	}
}

func (e *Entry) tuple(b []byte) {
	for kind, data := range attributes(b) {
		switch kind {
		case nl.CTA_TUPLE_IP:
			e.addresses(data)
		case nl.CTA_TUPLE_PROTO:
			e.ports(data)
		case ctaTupleZone: // a zone that holds for this direction only
			e.Zone = be16(data)
		}
	}
}

func (e *Entry) addresses(b []byte) {
	for kind, data := range attributes(b) {
		switch kind {
		case nl.CTA_IP_V4_SRC, nl.CTA_IP_V6_SRC:
			e.Src = address(data)
		case nl.CTA_IP_V4_DST, nl.CTA_IP_V6_DST:
			e.Dst = address(data)
		}
	}
}

// address is invalid unless b has the length of one.
func address(b []byte) netip.Addr {
	addr, _ := netip.AddrFromSlice(b)
	return addr
}

func (e *Entry) ports(b []byte) {
	for kind, data := range attributes(b) {
		switch kind {
		case nl.CTA_PROTO_NUM:
			e.Proto = first(data)
		case nl.CTA_PROTO_SRC_PORT:
			e.SrcPort = be16(data)
		case nl.CTA_PROTO_DST_PORT:
			e.DstPort = be16(data)
		}
	}
}

// protoState finds the state below the attribute of whichever protocol it is.
func protoState(b []byte) uint8 {
	for _, protocol := range attributes(b) {
		return first(find(protocol, ctaProtoinfoState))
	}
	return 0
}

func startTime(b []byte) uint64 {
	if data := find(b, nl.CTA_TIMESTAMP_START); len(data) >= 8 {
		return binary.BigEndian.Uint64(data)
	}
	return 0
}

// find returns the data of an attribute among others, nil if it is not there.
func find(b []byte, which uint16) []byte {
	for kind, data := range attributes(b) {
		if kind == which {
			return data
		}
	}
	return nil
}

func align(n int) int { return (n + 3) &^ 3 }

func first(b []byte) uint8 {
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

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
