// SPDX-License-Identifier: Apache-2.0

// Package conntracktest makes connection tracking entries, for tests and
// measurements.
package conntracktest

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// The bits of a status that matter (enum ip_conntrack_status of the kernel's
// include/uapi/linux/netfilter/nf_conntrack_common.h).
const (
	SeenReply = 1 << 1
	Assured   = 1 << 2
	confirmed = 1 << 3
)

// attributes that nl has no name for (nfnetlink_conntrack.h).
const ctaProtoICMPID, ctaProtoICMPType, ctaProtoICMPCode = 4, 5, 6

// Entry is an entry to create.
type Entry struct {
	Src, Dst netip.AddrPort
	Proto    uint8
	State    uint8 // of TCP: nl.TCP_CONNTRACK_…
	Status   uint32
	Timeout  uint32 // seconds
	Zone     uint16
}

// maxBatch is how many bytes are sent at once; the kernel takes them message by
// message.
const maxBatch = 64 << 10

// Fill creates entries in the calling thread's network namespace.
func Fill(entries func(yield func(Entry) bool)) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer unix.Close(fd)
	var batch []byte
	for e := range entries {
		if batch = appendMessage(batch, &e, 0); len(batch) > maxBatch {
			if err := send(fd, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return send(fd, batch)
}

// send has the last message of a batch acknowledged: a refused one is reported
// before it.
func send(fd int, batch []byte) error {
	if len(batch) == 0 {
		return nil
	}
	last := 0
	for next := 0; next < len(batch); next += int(binary.NativeEndian.Uint32(batch[next:])) {
		last = next
	}
	flags := batch[last+6:]
	binary.NativeEndian.PutUint16(flags, binary.NativeEndian.Uint16(flags)|unix.NLM_F_ACK)
	if err := unix.Sendto(fd, batch, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("create conntrack entries: %w", err)
	}
	var answer [4096]byte
	n, _, err := unix.Recvfrom(fd, answer[:], 0)
	if err != nil || n < unix.SizeofNlMsghdr+4 {
		return fmt.Errorf("create conntrack entries: short answer of %d bytes: %w", n, err)
	}
	if errno := int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); errno != 0 {
		return fmt.Errorf("create a conntrack entry: %w", unix.Errno(-errno))
	}
	return nil
}

func appendMessage(b []byte, e *Entry, flags uint16) []byte {
	family := byte(unix.AF_INET)
	if e.Src.Addr().Is6() {
		family = unix.AF_INET6
	}
	start := len(b)
	b = append(b, make([]byte, unix.SizeofNlMsghdr)...)
	b = append(b, family, nl.NFNETLINK_V0, 0, 0)
	b = nest(b, nl.CTA_TUPLE_ORIG, func(b []byte) []byte { return tuple(b, e, e.Src, e.Dst) })
	b = nest(b, nl.CTA_TUPLE_REPLY, func(b []byte) []byte { return tuple(b, e, e.Dst, e.Src) })
	b = attr(b, nl.CTA_STATUS, binary.BigEndian.AppendUint32(nil, e.Status|confirmed))
	b = attr(b, nl.CTA_TIMEOUT, binary.BigEndian.AppendUint32(nil, e.Timeout))
	if e.Zone != 0 {
		b = attr(b, nl.CTA_ZONE, binary.BigEndian.AppendUint16(nil, e.Zone))
	}
	if e.Proto == unix.IPPROTO_TCP {
		b = nest(b, nl.CTA_PROTOINFO, func(b []byte) []byte {
			return nest(b, nl.CTA_PROTOINFO_TCP, func(b []byte) []byte {
				return attr(b, nl.CTA_PROTOINFO_TCP_STATE, []byte{e.State})
			})
		})
	}
	header := b[start:]
	binary.NativeEndian.PutUint32(header, uint32(len(header)))
	binary.NativeEndian.PutUint16(header[4:], unix.NFNL_SUBSYS_CTNETLINK<<8|nl.IPCTNL_MSG_CT_NEW)
	binary.NativeEndian.PutUint16(header[6:], unix.NLM_F_REQUEST|unix.NLM_F_CREATE|unix.NLM_F_EXCL|flags)
	return b
}

func tuple(b []byte, e *Entry, src, dst netip.AddrPort) []byte {
	b = nest(b, nl.CTA_TUPLE_IP, func(b []byte) []byte {
		if src.Addr().Is4() {
			b = attr(b, nl.CTA_IP_V4_SRC, src.Addr().AsSlice())
			return attr(b, nl.CTA_IP_V4_DST, dst.Addr().AsSlice())
		}
		b = attr(b, nl.CTA_IP_V6_SRC, src.Addr().AsSlice())
		return attr(b, nl.CTA_IP_V6_DST, dst.Addr().AsSlice())
	})
	return nest(b, nl.CTA_TUPLE_PROTO, func(b []byte) []byte {
		b = attr(b, nl.CTA_PROTO_NUM, []byte{e.Proto})
		if e.Proto == unix.IPPROTO_ICMP {
			echo := map[bool]byte{true: 8, false: 0}[src == e.Src]
			b = attr(b, ctaProtoICMPType, []byte{echo})
			b = attr(b, ctaProtoICMPCode, []byte{0})
			return attr(b, ctaProtoICMPID, binary.BigEndian.AppendUint16(nil, e.Src.Port()))
		}
		b = attr(b, nl.CTA_PROTO_SRC_PORT, binary.BigEndian.AppendUint16(nil, src.Port()))
		return attr(b, nl.CTA_PROTO_DST_PORT, binary.BigEndian.AppendUint16(nil, dst.Port()))
	})
}

// nest appends an attribute that contains others.
func nest(b []byte, kind uint16, inner func([]byte) []byte) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	b = inner(b)
	binary.NativeEndian.PutUint16(b[start:], uint16(len(b)-start))
	binary.NativeEndian.PutUint16(b[start+2:], kind|nl.NLA_F_NESTED)
	return b
}

func attr(b []byte, kind uint16, data []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(4+len(data)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, data...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
