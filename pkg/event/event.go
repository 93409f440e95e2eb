// SPDX-License-Identifier: Apache-2.0

// Package event holds what one kernel observation says, decoded and with the
// kernel's own names, before pkg/cause names its cause.
package event

import (
	"net/netip"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
)

// Event is one or more identical observations: the same facts, reason,
// location, source address, destination and network namespace.
type Event struct {
	// Time is the wall-clock time of the newest observation.
	Time time.Time
	Hook Hook
	// Facts is everything that the hooks saw happen to the packet.
	Facts Facts
	// Reason is the kernel's drop reason without its SKB_DROP_REASON_ prefix,
	// empty where the kernel gives none. A value that the kernel's BTF does not
	// name is its number.
	Reason string
	// Location is the kernel function that freed the packet, empty for a hook
	// that does not see the free or where the kernel hides its symbols.
	Location string
	// Direction is where the packet was going, and Proto what it was. Both are zero
	// where the source found no room to be counted.
	Direction Direction
	Proto     Proto
	// Src is the client, before any NAT, and Dst where the packet was going when it
	// died, IPv4-mapped addresses shown as IPv4. The port of Src is that of the newest
	// observation.
	Src, Dst netip.AddrPort
	Netns    netns.ID
	// Count is how many observations this stands for, at least 1.
	Count uint64
	// Merged is how many of Count should have been events of their own
	// (a record per drop was asked for) and were not, as the reader was late.
	Merged uint64
	// Evidence is nil when the newest observation's details did not arrive.
	Evidence *Evidence
}

// Evidence is what the packet met. A part that was not seen, or that has nothing
// to do with the event, is nil.
type Evidence struct {
	Listener   *Listener
	Timestamps *Timestamps
	Receiver   *Receiver
	Netfilter  *Netfilter
	Path       *Path
	SourceNAT  *SourceNAT
	Process    *Process
	// OrigDst is what the client had addressed where NAT changed the destination, the
	// zero AddrPort where it did not.
	OrigDst netip.AddrPort
	// Ifindex is the interface that the packet came in on, and OutIfindex the one that
	// it was to leave by, 0 where it is not known. The numbers are those of Event.Netns.
	Ifindex, OutIfindex uint32
}

// Listener is the state of a listening socket's queues.
type Listener struct {
	AcceptQueue    uint32 // connections waiting for accept(2)
	AcceptQueueMax uint32 // the listener's limit; it is full when AcceptQueue exceeds it
	SynQueue       uint32 // requests in the handshake
	MaxSynBacklog  uint32 // net.ipv4.tcp_max_syn_backlog of the namespace
	Somaxconn      uint32 // net.core.somaxconn of the namespace
}

// Timestamps are the packet's TSval and the newest that was seen before.
type Timestamps struct {
	TSval, Newest uint32
	// Age is how long ago Newest was seen, in whole seconds.
	Age time.Duration
}

// Receiver is a connection's receive buffer, in bytes as the kernel accounts
// them.
type Receiver struct {
	Memory  uint32 // in use: sk_rmem_alloc
	Limit   uint32 // sk_rcvbuf
	Backlog uint32 // waiting for the socket's owner: sk_backlog.len
	Window  uint32 // what the peer may send: tcp_receive_window
}

// Netfilter is the base chain that a packet died in.
type Netfilter struct {
	Family string // ip, ip6, inet, netdev, bridge or arp
	Hook   string // prerouting, input, forward, output, postrouting or ingress
	Table  string // empty where it is not nftables', or was not seen
	Chain  string
}

// Path is what a packet was to pass that was too big for it, in bytes.
type Path struct {
	MTU, Size uint32
}

// SourceNAT is what source NAT had to choose from for a packet, and what it chose.
type SourceNAT struct {
	Chosen netip.AddrPort
	// First and Last are the range; both are zero where it is not known. The ports
	// are 0 for a rule that names none.
	First, Last netip.AddrPort
}

// Process is what was sending the packet.
type Process struct {
	PID  uint32
	Comm string
}

// Losses counts what the kernel side could not report in full.
type Losses struct {
	// Lost is drops that could not be counted at all.
	Lost uint64
	// Unattributed is drops that were counted, but whose source found no room.
	Unattributed uint64
	// Missed is calls of hooked functions that the kernel did not show. Most are of
	// packets that were not dropped; each may have cost a drop its exact cause, or,
	// where the hook itself counts, its count.
	Missed uint64
}
