// SPDX-License-Identifier: Apache-2.0

package host

import (
	"net/netip"
	"time"
)

// Snapshot is what a machine says of itself at one time. What is not known is
// nil, missing or, where zero cannot be, zero.
type Snapshot struct {
	Time   time.Time // zero for a saved tree
	System System
	Spaces []Space // the network namespaces, that of the process first
	// Unread is what there may be and could not be read, and why.
	Unread []string
}

// System is what is the same in all network namespaces.
type System struct {
	Name   string // as uname -n
	Kernel string // as uname -r
	// Saved tells that this was read from a saved tree.
	Saved   bool
	Memory  uint64 // bytes
	CPUs    int
	Uptime  time.Duration
	Softnet *Softnet
	Files   SysctlFiles
}

// Space is one network namespace.
type Space struct {
	Netns uint32 // its inode number, 0 for that of a saved tree
	Name  string // as Sampler.Name
	// Own tells that it is the namespace of the process, or a saved tree's.
	Own bool
	// Enter is the arguments that run a command in the namespace when they are put
	// in front of its own; nil for the process's own namespace.
	Enter []string
	// Sysctls are those below net, by their keys. Those of the whole machine are
	// in the first namespace only.
	Sysctls map[string]string
	// Counters are those of the namespace; those of the neighbour tables are in
	// the machine's own only.
	Counters  Values
	Sockets   *TCPSockets
	Listeners []ListenerQueue
	// Holders is who has entries of the connection tracking table, nil if that
	// was not looked at.
	Holders *Holders
}

// ListenerQueue is a listening socket with its accept queue.
type ListenerQueue struct {
	Addr netip.AddrPort
	// Process is the eldest that has the socket, without a PID where that may not
	// be known.
	Process
	Waiting uint32 // connections
	// Limit is full when exceeded; nil for unknown.
	Limit *uint32
	// Drops is what the socket dropped since it was made: SYNs mostly, for
	// whatever reason. Nil for unknown.
	Drops *uint64
	// Still is for how long, at least, nothing was accepted from a full queue; 0
	// for unknown.
	Still time.Duration
	inode uint64
}

// Same says whether two snapshots of a listener are of one socket.
func (l *ListenerQueue) Same(o *ListenerQueue) bool { return l.inode != 0 && l.inode == o.inode }

// Full says whether the accept queue is known to be full (include/net/sock.h:
// sk_acceptq_is_full).
func (l *ListenerQueue) Full() bool { return l.Limit != nil && l.Waiting > *l.Limit }
