// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"net/netip"
	"time"

	"github.com/synwatch/synwatch/pkg/proc"
)

// ListenerQueue is a listening socket with its accept queue.
type ListenerQueue struct {
	Addr netip.AddrPort
	// Process is the eldest that has the socket, without a PID where that may not
	// be known.
	proc.Process
	Waiting uint32 // connections
	// Limit is full when exceeded; nil for unknown.
	Limit *uint32
	// Drops is what the socket dropped since it was made: SYNs mostly, for
	// whatever reason. Nil for unknown.
	Drops *uint64
	// Still is for how long, at least, nothing was accepted from a full queue; 0
	// for unknown.
	Still time.Duration
	// Inode is the socket's, 0 for unknown.
	Inode uint64
}

// Same says whether two snapshots of a listener are of one socket.
func (l *ListenerQueue) Same(o *ListenerQueue) bool { return l.Inode != 0 && l.Inode == o.Inode }

// Full says whether the accept queue is known to be full (include/net/sock.h:
// sk_acceptq_is_full).
func (l *ListenerQueue) Full() bool { return l.Limit != nil && l.Waiting > *l.Limit }

// NewListenerQueue is the accept queue of a socket, with no process.
func NewListenerQueue(s *Socket) ListenerQueue {
	l := ListenerQueue{Addr: s.Addr, Inode: s.Inode}
	if q := s.Queue; q != nil {
		l.Waiting, l.Limit = q.Waiting, q.Limit
		if q.Drops != nil {
			drops := uint64(*q.Drops)
			l.Drops = &drops
		}
	}
	return l
}
