// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"math"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Since is what an entry's time is counted from.
type Since string

const (
	// Age counts from when the entry was made. The kernel records that where
	// nf_conntrack_timestamp is 1.
	Age Since = "age"
	// Idle counts from the last packet: each sets the remaining time back to the
	// state's timeout.
	Idle Since = "idle"
)

// Clock computes the age or the idle time of entries.
type Clock struct {
	Since Since
	now   uint64 // nanoseconds since 1970
	// sysctl reads a number below /proc/sys/net/netfilter.
	sysctl func(name string) (uint32, error)
}

// limit is the timeout that a packet sets, in seconds, 0 for unknown. A
// remaining time of at most doubt may come from another, shorter one.
type limit struct{ timeout, doubt uint32 }

// NewClock returns the clock of a namespace. sysctl reads its sysctls by their
// names below net.netfilter.
func NewClock(now time.Time, sysctl func(name string) (uint32, error)) *Clock {
	c := &Clock{Since: Idle, now: uint64(now.UnixNano()), sysctl: sysctl}
	if on, err := sysctl("nf_conntrack_timestamp"); err == nil && on == 1 {
		c.Since = Age
	}
	return c
}

// seconds is an entry's age or idle time, if that is known.
func (c *Clock) seconds(e *Entry, l limit) (uint32, bool) {
	if c.Since == Age {
		if e.Start == 0 || e.Start > c.now {
			return 0, e.Start != 0
		}
		return uint32(min((c.now-e.Start)/1e9, math.MaxUint32)), true
	}
	if !e.HasTimeout || e.Timeout > l.timeout || e.Timeout <= l.doubt {
		return 0, false
	}
	return l.timeout - e.Timeout, true
}

// limit reads what applies to entries of a kind. Assured is for the protocols
// that keep such entries longer.
func (c *Clock) limit(k Kind, assured bool) limit {
	names := timeoutSysctls(k, assured)
	var l limit
	if len(names) == 0 || c.Since == Age {
		return l
	}
	l.timeout, _ = c.sysctl(names[0])
	for _, shorter := range names[1:] {
		if t, err := c.sysctl(shorter); err == nil && t < l.timeout {
			l.doubt = max(l.doubt, t)
		}
	}
	return l
}

// timeoutSysctls are the sysctls that an entry's timeout comes from: the one of
// its state, and those that override it where they are shorter.
func timeoutSysctls(k Kind, assured bool) []string {
	const prefix = "nf_conntrack_"
	stream := map[bool]string{true: "_stream"}[assured]
	state := strings.ToLower(k.State)
	switch k.Proto {
	case unix.IPPROTO_TCP:
		state = strings.TrimSuffix(state, "2") // of SYN_SENT2, a simultaneous open
		// nf_conntrack_proto_tcp.c:nf_conntrack_tcp_packet
		return []string{prefix + "tcp_timeout_" + state, prefix + "tcp_timeout_unacknowledged", prefix + "tcp_timeout_max_retrans"}
	case unix.IPPROTO_SCTP:
		return []string{prefix + "sctp_timeout_" + state}
	case unix.IPPROTO_UDP, unix.IPPROTO_UDPLITE: // nf_conntrack_proto_udp.c:nf_conntrack_udp_packet
		return []string{prefix + "udp_timeout" + stream}
	case unix.IPPROTO_GRE: // nf_conntrack_proto_gre.c:nf_conntrack_gre_packet
		return []string{prefix + "gre_timeout" + stream}
	case unix.IPPROTO_ICMP:
		return []string{prefix + "icmp_timeout"}
	case unix.IPPROTO_ICMPV6:
		return []string{prefix + "icmpv6_timeout"}
	case unix.IPPROTO_DCCP:
		return nil // has sysctls for its states, which are not named here
	}
	return []string{prefix + "generic_timeout"}
}
