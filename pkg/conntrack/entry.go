// SPDX-License-Identifier: Apache-2.0

// Package conntrack says who fills the connection tracking table: it reads the
// table entry by entry over netlink and sums it up in bounded memory.
package conntrack

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Entry is what counts of one entry of the table. The addresses and ports are
// those of its first packet, before any NAT.
type Entry struct {
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16 // 0 where the protocol has none
	Zone             uint16
	Proto            uint8 // IPPROTO_…
	// State is that of the protocol's own state machine, 0 where it has none or
	// the kernel does not report, as of offloaded entries.
	State  uint8
	Status uint32 // the kernel's IPS_… bits
	// Timeout is how many seconds remain until the entry expires by itself, and
	// HasTimeout whether the kernel says so.
	Timeout    uint32
	HasTimeout bool
	// Start is when the entry was made, in nanoseconds since 1970; 0 unless
	// nf_conntrack_timestamp was on.
	Start uint64
}

// The bits of Status (include/uapi/linux/netfilter/nf_conntrack_common.h).
const (
	statusSeenReply = 1 << 1
	statusAssured   = 1 << 2
	statusOffload   = 1 << 14
)

// Replied says whether a packet was seen in the other direction.
func (e *Entry) Replied() bool { return e.Status&statusSeenReply != 0 }

// assured is 1 for an entry that UDP and GRE keep longer, as its traffic went both
// ways for some time; otherwise 0.
func (e *Entry) assured() int { return int(e.Status / statusAssured % 2) }

// hasPorts says whether DstPort means anything.
func (e *Entry) hasPorts() bool {
	switch e.Proto {
	case unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_UDPLITE, unix.IPPROTO_SCTP, unix.IPPROTO_DCCP:
		return true
	}
	return false
}

// tcpStates are named as conntrack and /proc/net/nf_conntrack name them
// (include/uapi/linux/netfilter/nf_conntrack_tcp.h).
var tcpStates = [...]string{
	nl.TCP_CONNTRACK_NONE:        "NONE",
	nl.TCP_CONNTRACK_SYN_SENT:    "SYN_SENT",
	nl.TCP_CONNTRACK_SYN_RECV:    "SYN_RECV",
	nl.TCP_CONNTRACK_ESTABLISHED: "ESTABLISHED",
	nl.TCP_CONNTRACK_FIN_WAIT:    "FIN_WAIT",
	nl.TCP_CONNTRACK_CLOSE_WAIT:  "CLOSE_WAIT",
	nl.TCP_CONNTRACK_LAST_ACK:    "LAST_ACK",
	nl.TCP_CONNTRACK_TIME_WAIT:   "TIME_WAIT",
	nl.TCP_CONNTRACK_CLOSE:       "CLOSE",
	nl.TCP_CONNTRACK_SYN_SENT2:   "SYN_SENT2",
}

// sctpStates likewise (nf_conntrack_sctp.h).
var sctpStates = [...]string{
	"NONE", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT", "SHUTDOWN_RECD",
	"SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT",
}

// Offloaded is the state of an entry whose packets bypass connection tracking:
// the kernel does not report the protocol's state (nf_conntrack_netlink.c:
// ctnetlink_fill_info).
const Offloaded = "OFFLOAD"

// Kind is a protocol and one of its states.
type Kind struct {
	Proto uint8
	State string // empty where the protocol has no states
}

// Protocol is the protocol's name, or its number.
func (k Kind) Protocol() string {
	if name, ok := protocols[k.Proto]; ok {
		return name
	}
	return fmt.Sprint(k.Proto)
}

func (k Kind) String() string {
	if k.State == "" {
		return k.Protocol()
	}
	return k.Protocol() + " " + k.State
}

var protocols = map[uint8]string{
	unix.IPPROTO_ICMP: "icmp", unix.IPPROTO_TCP: "tcp", unix.IPPROTO_UDP: "udp", unix.IPPROTO_DCCP: "dccp",
	unix.IPPROTO_GRE: "gre", unix.IPPROTO_ESP: "esp", unix.IPPROTO_ICMPV6: "icmpv6", unix.IPPROTO_SCTP: "sctp",
	unix.IPPROTO_UDPLITE: "udplite",
}

// StateNames are the states that entries may be chosen by.
func StateNames() []string {
	names := append([]string{}, tcpStates[:]...)
	for _, name := range append(sctpStates[:], Offloaded) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// rawKind is a kind in the kernel's numbers.
type rawKind struct {
	proto, state uint8
	offloaded    bool
}

func (e *Entry) rawKind() rawKind {
	return rawKind{e.Proto, e.State, e.Status&statusOffload != 0}
}

// number is below 1 << 17, another for each kind.
func (r rawKind) number() uint32 {
	n := uint32(r.proto)<<9 | uint32(r.state)<<1
	if r.offloaded {
		n++
	}
	return n
}

func (r rawKind) kind() Kind {
	switch {
	case r.offloaded:
		return Kind{r.proto, Offloaded}
	case r.proto == unix.IPPROTO_TCP && int(r.state) < len(tcpStates):
		return Kind{r.proto, tcpStates[r.state]}
	case r.proto == unix.IPPROTO_SCTP && int(r.state) < len(sctpStates):
		return Kind{r.proto, sctpStates[r.state]}
	case r.state != 0:
		return Kind{r.proto, fmt.Sprintf("state %d", r.state)}
	}
	return Kind{Proto: r.proto}
}
