// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// The kernel's struct inet_diag_req_v2 and struct inet_diag_msg,
// include/uapi/linux/inet_diag.h, by their offsets.
const (
	diagRequestLen  = 56
	diagExtensions  = 2 // in the request
	diagStates      = 4
	diagRequestPort = 8
	diagMessageLen  = 72
	diagPort        = 4
	diagAddr        = 8
	diagInterface   = 40
	diagWaiting     = 56 // of a listening socket: sk_ack_backlog
	diagLimit       = 60 // and sk_max_ack_backlog
	diagInode       = 68
	diagSKMemInfo   = 7  // INET_DIAG_SKMEMINFO
	diagSKV6Only    = 11 // INET_DIAG_SKV6ONLY
	memInfoDrops    = 8  // SK_MEMINFO_DROPS, a word
)

// Listening lists the listening sockets of the calling thread's namespace. The
// library's dumps would return every connection, too, and not IPV6_V6ONLY.
func Listening() ([]Socket, error) {
	var sockets []Socket
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		found, err := dumpListening(family)
		if errors.Is(err, unix.ENOENT) { // there is no tcp_diag
			return listeningInProc()
		}
		if err != nil {
			return nil, fmt.Errorf("dump listening sockets: %w", err)
		}
		sockets = append(sockets, found...)
	}
	return sockets, nil
}

func dumpListening(family uint8) ([]Socket, error) {
	var sockets []Socket
	err := question{states: 1 << Listen, extension: diagSKMemInfo}.dump(family, func(msg []byte) {
		if s, ok := parseDiag(msg); ok {
			sockets = append(sockets, s)
		}
	})
	return sockets, err
}

func parseDiag(msg []byte) (Socket, bool) {
	addr, ok := parseLocal(msg)
	if !ok {
		return Socket{}, false
	}
	limit := binary.NativeEndian.Uint32(msg[diagLimit:])
	s := Socket{
		Addr:    addr,
		Ifindex: binary.NativeEndian.Uint32(msg[diagInterface:]),
		Inode:   uint64(binary.NativeEndian.Uint32(msg[diagInode:])),
		Queue: &Queue{
			Waiting: binary.NativeEndian.Uint32(msg[diagWaiting:]),
			Limit:   &limit,
		},
	}
	attrs, err := nl.ParseRouteAttr(msg[diagMessageLen:])
	if err != nil {
		return Socket{}, false
	}
	for _, a := range attrs {
		switch {
		case a.Attr.Type == diagSKV6Only && len(a.Value) > 0:
			s.V6Only = a.Value[0] != 0
		case a.Attr.Type == diagSKMemInfo && len(a.Value) >= 4*(memInfoDrops+1):
			drops := binary.NativeEndian.Uint32(a.Value[4*memInfoDrops:])
			s.Queue.Drops = &drops
		}
	}
	return s, true
}
