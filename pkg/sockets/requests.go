// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Requests counts the connections of the calling thread's namespace that are in the
// handshake, by the address and port that their clients asked for. It is nil where the
// kernel does not tell.
func Requests() (map[netip.AddrPort]uint32, error) {
	found := map[netip.AddrPort]uint32{}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		err := question{states: 1 << SynRecv}.dump(family, func(msg []byte) {
			if at, ok := parseLocal(msg); ok {
				found[at]++
			}
		})
		if errors.Is(err, unix.ENOENT) { // there is no tcp_diag
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("dump connections in the handshake: %w", err)
		}
	}
	return found, nil
}

// parseLocal is the local address of a socket; an IPv4-mapped one is IPv4.
func parseLocal(msg []byte) (netip.AddrPort, bool) {
	if len(msg) < diagMessageLen {
		return netip.AddrPort{}, false
	}
	var addr netip.Addr
	switch msg[0] {
	case unix.AF_INET:
		addr = netip.AddrFrom4([4]byte(msg[diagAddr:]))
	case unix.AF_INET6:
		addr = netip.AddrFrom16([16]byte(msg[diagAddr:])).Unmap()
	default:
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(msg[diagPort:])), true
}
