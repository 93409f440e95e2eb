// SPDX-License-Identifier: Apache-2.0

// Package survey reads what a machine, the running one or a saved tree of another,
// says of itself at one time: its network namespaces with their counters, sysctls
// and listeners, and the files that set the sysctls.
package survey

import (
	"time"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/sockets"
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
	// Container tells that the process runs in a container: its files, those of
	// sysctls among them, are not the machine's.
	Container bool

	Name   string // as uname -n
	Kernel string // as uname -r
	// Saved tells that this was read from a saved tree.
	Saved bool
	// Tree is the directory of the saved tree, if it was found below that which was
	// named.
	Tree    string
	Memory  uint64 // bytes
	CPUs    int
	Uptime  time.Duration
	Softnet *nstat.Softnet
	Files   SysctlFiles
	// Log is what the kernel's log says, nil if no log was read, empty if it says
	// nothing. That of the running machine is not read.
	Log []LogEvent
}

// Space is one network namespace.
type Space struct {
	Netns netns.ID // zero for those of a saved tree
	Name  string   // as people call it
	// Own tells that it is the namespace of the process, or the first of a saved
	// tree. A saved tree's further ones have a name.
	Own bool
	// Inner tells that it is not the machine's first, for which the sysctl files are
	// read at boot.
	Inner bool
	// Boots tells that it is that of a systemd which boots a container and reads the
	// sysctl files for it.
	Boots bool
	// Enter is the arguments that run a command in the namespace when they are put
	// in front of its own; nil for the process's own namespace.
	Enter []string
	// Sysctls are those below net, by their keys. Those of the whole machine are
	// in the first namespace only.
	Sysctls map[string]string
	// Counters are those of the namespace; those of the neighbour tables are in
	// the machine's own only.
	Counters nstat.Values
	Sockets  *nstat.TCPSockets
	// Listeners are the listening sockets. Those of /proc/net/tcp and netstat have
	// what waits in their accept queues, and no limit.
	Listeners []sockets.ListenerQueue
	// Interfaces are those of the namespace, nil if they were not read.
	Interfaces []nstat.Interface
	// Holders is who has entries of the connection tracking table, nil if that
	// was not looked at.
	Holders *conntrack.Summary
	// Firewall is what its rules do, nil if none were read.
	Firewall *Firewall
}
