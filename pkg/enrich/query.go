// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"net/netip"
	"time"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
)

// Query asks for what is known about a packet.
type Query struct {
	// Since is when the query came up: what was read before says nothing about
	// what is missing.
	Since time.Time
	Netns netns.ID
	// Dst is where the packet was going, Ifindex the interface that it came in
	// on and OutIfindex the one that it was to leave by, 0 for unknown.
	Dst                 netip.AddrPort
	Ifindex, OutIfindex uint32
	// Target asks which other namespace of this machine has Dst. Without it Dst is an
	// address of Netns.
	Target bool
	// Listener asks who listens at Dst, Conntrack how full the table of Netns is.
	Listener, Conntrack bool
	// Sender is the process that sent the packet, by its PID and name; no PID: unknown.
	Sender proc.Process
}

// Empty says that the query asks for nothing.
func (q *Query) Empty() bool {
	return !q.Target && !q.Listener && !q.Conntrack && q.Ifindex == 0 && q.OutIfindex == 0 && q.Sender.PID == 0
}

// within is the query about who listens in Netns itself, or in another namespace, where
// the interface is none of those that Netns has.
func (q *Query) within(itself bool) *Query {
	if itself {
		return q
	}
	there := *q
	there.Ifindex = 0
	return &there
}

// Answer is as much as is known.
type Answer struct {
	Target    *Target          // nil where no other namespace has Dst, or which one has it is not certain
	Listener  *Listener        // nil where nothing listens; of the Target if there is one
	Sender    *proc.Process    // nil where it was not asked for
	Conntrack *conntrack.Usage // nil where there is no table
	Interface string           // the name of Ifindex
	// OutInterface is the name of OutIfindex.
	OutInterface string
}

// Add takes what another answer knows.
func (a *Answer) Add(o *Answer) {
	if o.Target != nil {
		a.Target = o.Target
	}
	if o.Listener != nil {
		a.Listener = o.Listener
	}
	if o.Sender != nil {
		a.Sender = o.Sender
	}
	if o.Conntrack != nil {
		a.Conntrack = o.Conntrack
	}
	if o.Interface != "" {
		a.Interface = o.Interface
	}
	if o.OutInterface != "" {
		a.OutInterface = o.OutInterface
	}
}

// nameContainer names the container of the target by its listener: of the containers of
// one pod, which share a namespace, it is the one that is meant.
func (a *Answer) nameContainer() {
	if a.Target == nil || a.Listener == nil || a.Listener.Container == "" {
		return
	}
	t := *a.Target
	t.Container = a.Listener.Container
	a.Target = &t
}

// Listener is who listens on a port.
type Listener struct {
	Port uint16
	// Process is the eldest of those that have the port, a master that only waits for
	// its workers aside; without a PID where
	// that may not be known.
	proc.Process
	// Shared is how many further processes have it: by sockets of their own
	// (SO_REUSEPORT) or by one that they inherited.
	Shared int
}

// Target is another network namespace of this machine that packets were for.
type Target struct {
	Netns netns.ID
	Name  string // empty for the machine's own and for one without a name
	// Container is the ID of the container whose namespace it is, empty for none.
	Container string
}
