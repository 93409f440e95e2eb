// SPDX-License-Identifier: Apache-2.0

package sockets

import "net/netip"

// Match returns the sockets that the kernel would choose from for a connection
// to dst that comes in on an interface (0: not known). There is more than one
// when they share address and port by SO_REUSEPORT.
func Match(sockets []Socket, dst netip.AddrPort, ifindex uint32) []Socket {
	var best []Socket
	top := 0
	for _, s := range sockets {
		switch fit := s.fit(dst, ifindex); {
		case fit == 0 || fit < top:
		case fit == top:
			best = append(best, s)
		default:
			best, top = []Socket{s}, fit
		}
	}
	return best
}

// fit says how well a socket suits, 0 for not at all. As in the kernel a
// specific address comes first (net/ipv4/inet_hashtables.c:
// __inet_lookup_listener), then an interface, then IPv4 by a socket of its own
// (compute_score).
func (s *Socket) fit(dst netip.AddrPort, ifindex uint32) int {
	const address, device, family, any = 8, 4, 2, 1
	if s.Addr.Port() != dst.Port() || s.Ifindex != 0 && ifindex != 0 && s.Ifindex != ifindex {
		return 0
	}
	fit := any
	own := s.Addr.Addr()
	switch {
	case own == dst.Addr().WithZone(""):
		fit |= address
	case !own.IsUnspecified() || own.Is4() && dst.Addr().Is6():
		return 0
	case own.Is6() && dst.Addr().Is4() && s.V6Only:
		return 0
	}
	if own.Is4() == dst.Addr().Is4() {
		fit |= family
	}
	if s.Ifindex != 0 {
		fit |= device
	}
	return fit
}
