// SPDX-License-Identifier: Apache-2.0

// Package sockets knows the listening TCP sockets of a network namespace: where
// they listen, their accept queues, and which processes have them.
package sockets

import "net/netip"

// States of a TCP socket (include/net/tcp_states.h).
const (
	established = 1
	SynRecv     = 3
	TimeWait    = 6
	closeWait   = 8
	Listen      = 10
)

// Socket is a listening TCP socket.
type Socket struct {
	Addr    netip.AddrPort // as bound; an IPv4-mapped address is IPv4
	Ifindex uint32         // of the interface that it is bound to, 0 for none
	Inode   uint64
	// V6Only tells that an unspecified IPv6 address takes no IPv4 connections.
	V6Only bool
	Queue  *Queue
}

// Queue is the accept queue of a listening socket.
type Queue struct {
	Waiting uint32
	// Limit and Drops, which are the socket's, are nil where the kernel does not
	// tell them.
	Limit, Drops *uint32
}
