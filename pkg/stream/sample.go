// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"net/netip"
	"time"

	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
)

// Sample is what was measured at one time beside the records. It holds what has changed
// since the sample before: an element takes the place of the one with the same key, and
// a nil slice leaves all of them as they were. An element with nothing but its key says
// that there is none any more.
type Sample struct {
	Time   time.Time
	Losses event.Losses
	// Merged is Summary.Merged so far.
	Merged uint64
	// Queues are those of the listeners whose drops were recorded, by namespace, address
	// and port.
	Queues []Queue
	// Tables are the connection tracking tables of the namespaces of records, and of
	// the machine's own one, by namespace.
	Tables []Table
	// Reconcile is what Summary.Reconcile would be, by namespace, cookie and counter.
	Reconcile []Row
	// Unseen is all of Summary.Unseen so far.
	Unseen []UnseenTotal
	// Findings are all of Summary.Findings so far.
	Findings []diagnose.Finding
}

// Queue is the state of a listener's queues, in connections.
type Queue struct {
	Netns     netns.ID
	NetnsName string
	Listen    netip.AddrPort
	// Listener is who listens, nil for unknown.
	Listener *enrich.Listener
	// Accept waits to be accepted, AcceptMax is the limit: it is full when Accept
	// exceeds it.
	Accept, AcceptMax uint32
	// Limit names what binds AcceptMax: "net.core.somaxconn" or "listen backlog".
	Limit string
	// Requests are in the handshake, and RequestsMax is the limit of that, 0 for unknown.
	Requests, RequestsMax uint32
}

// RequestsLimit names what binds RequestsMax.
func (q *Queue) RequestsLimit() string {
	if q.RequestsMax < q.AcceptMax {
		return "net.ipv4.tcp_max_syn_backlog"
	}
	return q.Limit
}

// QueueKey tells a listener's queues from others.
type QueueKey struct {
	Netns  netns.ID
	Listen netip.AddrPort
}

// Key is what an element of a later sample takes the place of this one by.
func (q *Queue) Key() QueueKey { return QueueKey{q.Netns, q.Listen} }

// Gone says that nothing listens there any more.
func (q *Queue) Gone() bool { return *q == Queue{Netns: q.Netns, Listen: q.Listen} }

// Table is how full a connection tracking table is, in entries.
type Table struct {
	Netns      netns.ID
	NetnsName  string
	Count, Max uint32
}

// Gone says that there is none any more.
func (t *Table) Gone() bool { return *t == Table{Netns: t.Netns} }
