// SPDX-License-Identifier: Apache-2.0

package event

import "errors"

// Direction is the way that a packet took through the machine.
type Direction string

// The directions. bpf/schema.h is made from them.
// A packet is on its way to a network namespace itself, through it, or out of it.
const (
	// In: to this host, or from it as the reply to a client.
	In Direction = "in"
	// Forward: through this host.
	Forward Direction = "forward"
	// Out: of this host, and no reply.
	Out Direction = "out"
	// Unrouted: In or Forward. The packet died before it had a route, so that only the
	// namespace's addresses can tell whether Dst is one of them.
	Unrouted Direction = "unrouted"
	// Untold: any of the three. There was no packet, only a connection tracking entry:
	// the namespace's addresses can tell whether Src or Dst is one of them.
	Untold Direction = "untold"
)

// DirectionNumber is the direction that has the number n on the kernel side, empty
// if none has.
func DirectionNumber(n uint8) Direction {
	if int(n) >= len(directions) {
		return ""
	}
	return directions[n]
}

// ParseDirection reads the direction of a record: in, forward or out.
func ParseDirection(s string) (Direction, error) {
	switch d := Direction(s); d {
	case In, Forward, Out:
		return d, nil
	}
	return "", errors.New("must be in, forward or out")
}
