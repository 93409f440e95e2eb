// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"net/netip"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
)

// evidenceObject is the evidence as programs see it: flat, with the parts that
// are known. encoding/json reads into parts only if they are exported.
type evidenceObject struct {
	*ListenerState
	*ConntrackState
	*TimestampState
	*ReceiverState
	*NetfilterState
	*PathState
	*NatState
	Interface    string `json:"interface,omitempty"`
	OutInterface string `json:"out_interface,omitempty"`
	// Location is the kernel function that freed the packet.
	Location string `json:"location,omitempty"`
}

// ListenerState is the state of a listening socket's queues.
type ListenerState struct {
	AcceptQueue    uint32 `json:"accept_queue"`
	AcceptQueueMax uint32 `json:"accept_queue_max"`
	SynQueue       uint32 `json:"syn_queue"`
	MaxSynBacklog  uint32 `json:"max_syn_backlog"`
	Somaxconn      uint32 `json:"somaxconn"`
	// Backlog is the application's, where it is known.
	Backlog   *uint32 `json:"backlog,omitempty"`
	LimitFrom string  `json:"limit_from,omitempty"`
	// Reset says that the client was answered with a RST.
	Reset bool `json:"reset,omitempty"`
}

// ConntrackState is how full the connection tracking table is.
type ConntrackState struct {
	Count   uint32 `json:"conntrack_count"`
	Max     uint32 `json:"conntrack_max"`
	Buckets uint32 `json:"conntrack_buckets"`
}

// TimestampState is the packet's timestamp and the newest before it.
type TimestampState struct {
	TSval  uint32 `json:"tsval"`
	Newest uint32 `json:"ts_newest"`
	Age    int64  `json:"ts_age_s"`
}

// ReceiverState is a connection's receive buffer, in bytes.
type ReceiverState struct {
	Memory  uint32 `json:"rmem"`
	Limit   uint32 `json:"rcvbuf"`
	Backlog uint32 `json:"backlog_len"`
	Window  uint32 `json:"window"`
}

// NetfilterState is the chain that the packet died in.
type NetfilterState struct {
	Family string `json:"nf_family,omitempty"`
	Hook   string `json:"nf_hook,omitempty"`
	Table  string `json:"nf_table,omitempty"`
	Chain  string `json:"nf_chain,omitempty"`
}

// PathState is what the packet was too big for, in bytes.
type PathState struct {
	MTU  uint32 `json:"mtu"`
	Size uint32 `json:"size"`
}

// NatState is what source NAT chose, and the range that it had to choose from where
// that is known.
type NatState struct {
	Addr  netip.Addr `json:"snat_addr"`
	Port  uint16     `json:"snat_port,omitempty"`
	Range string     `json:"snat_range,omitempty"`
}

func evidenceValue(r *stream.Record) any {
	shown := r.Shown()
	o := evidenceObject{Interface: r.Interface, OutInterface: r.OutInterface, ConntrackState: (*ConntrackState)(r.Conntrack)}
	if r.Cause.Evidence.Has(cause.KernelReason) {
		o.Location = r.Location
	}
	if e := shown.Evidence; e != nil {
		o.ListenerState = newListenerState(e.Listener, r.Facts)
		o.ReceiverState = (*ReceiverState)(e.Receiver)
		o.NetfilterState = (*NetfilterState)(e.Netfilter)
		if ts := e.Timestamps; ts != nil {
			o.TimestampState = &TimestampState{ts.TSval, ts.Newest, int64(ts.Age / time.Second)}
		}
		o.PathState = (*PathState)(e.Path)
		if nat := e.SourceNAT; nat != nil {
			o.NatState = &NatState{nat.Chosen.Addr(), nat.Chosen.Port(), rangeWord(nat)}
		}
	}
	return unlessZero(o)
}

func newListenerState(l *event.Listener, facts event.Facts) *ListenerState {
	if l == nil {
		return nil
	}
	s := &ListenerState{
		AcceptQueue: l.AcceptQueue, AcceptQueueMax: l.AcceptQueueMax, SynQueue: l.SynQueue,
		MaxSynBacklog: l.MaxSynBacklog, Somaxconn: l.Somaxconn, LimitFrom: limitNames[l.AcceptLimit()],
		Reset: facts.Has(event.ResetSent),
	}
	if l.AcceptLimit() == event.ListenBacklog {
		s.Backlog = &l.AcceptQueueMax
	}
	return s
}

// limitNames are what a line calls them.
var limitNames = map[event.AcceptLimit]string{event.ListenBacklog: "listen-backlog", event.Somaxconn: "somaxconn"}

// evidenceRead is what a line's evidence says.
type evidenceRead struct {
	evidence  *event.Evidence
	conntrack *conntrack.Usage
	in, out   string // interfaces
	location  string
	reset     bool
}

func (o evidenceObject) read() *evidenceRead {
	var e event.Evidence
	found := evidenceRead{
		conntrack: (*conntrack.Usage)(o.ConntrackState), in: name(o.Interface), out: name(o.OutInterface), location: name(o.Location),
	}
	if l := o.ListenerState; l != nil {
		found.reset = l.Reset
		e.Listener = &event.Listener{
			AcceptQueue: l.AcceptQueue, AcceptQueueMax: l.AcceptQueueMax, SynQueue: l.SynQueue,
			MaxSynBacklog: l.MaxSynBacklog, Somaxconn: l.Somaxconn,
		}
	}
	if ts := o.TimestampState; ts != nil {
		e.Timestamps = &event.Timestamps{TSval: ts.TSval, Newest: ts.Newest, Age: time.Duration(ts.Age) * time.Second}
	}
	e.Receiver, e.Path = (*event.Receiver)(o.ReceiverState), (*event.Path)(o.PathState)
	if nf := o.NetfilterState; nf != nil {
		e.Netfilter = &event.Netfilter{Family: name(nf.Family), Hook: name(nf.Hook), Table: name(nf.Table), Chain: name(nf.Chain)}
	}
	if nat := o.NatState; nat != nil {
		e.SourceNAT = &event.SourceNAT{Chosen: netip.AddrPortFrom(nat.Addr, nat.Port)}
		e.SourceNAT.First, e.SourceNAT.Last = parseRange(nat.Range)
	}
	if e != (event.Evidence{}) {
		found.evidence = &e
	}
	return &found
}
