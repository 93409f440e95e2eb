// SPDX-License-Identifier: Apache-2.0

// Package event holds what one kernel observation says, decoded and with the
// kernel's own names, before anybody has decided what it means.
package event

import (
	"net/netip"
	"time"
)

// Hook names the probe that counted an event.
type Hook string

const (
	// HookFree is the kfree_skb tracepoint: a packet died there.
	HookFree Hook = "kfree_skb"
	// HookConnRequest is tcp_conn_request, which consumes a SYN whether or not
	// it was of use, so that no free tells of it.
	HookConnRequest Hook = "tcp_conn_request"
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
	// Src is the client and Dst the local address, IPv4-mapped addresses shown
	// as IPv4. The port of Src is that of the newest observation.
	Src, Dst netip.AddrPort
	// Netns is the inode number of the network namespace.
	Netns uint32
	// Count is how many observations this stands for, at least 1.
	Count uint64
	// Merged is how many of Count should have been events of their own
	// (a record per drop was asked for) and were not, as the reader was late.
	Merged uint64
	// Evidence is nil when the newest observation's details did not arrive.
	Evidence *Evidence
}

// Evidence is the state of the listener when the packet met it. HasListener
// says whether there was one.
type Evidence struct {
	HasListener    bool
	AcceptQueue    uint32 // connections waiting for accept(2)
	AcceptQueueMax uint32 // the listener's limit; it is full when AcceptQueue exceeds it
	SynQueue       uint32 // requests in the handshake
	MaxSynBacklog  uint32 // net.ipv4.tcp_max_syn_backlog of the namespace
	Somaxconn      uint32 // net.core.somaxconn of the namespace
}

// Losses counts what the kernel side could not report in full.
type Losses struct {
	// Lost is what could not be counted at all: drops seen by a hook, and runs of
	// a hook that the kernel skipped.
	Lost uint64
	// Unattributed is drops that were counted, but whose source found no room.
	Unattributed uint64
}
